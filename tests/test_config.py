"""``archive.toml``: what it may say, and how its errors are told."""

import subprocess
import sys

import pytest

from archiver.accounts import NO_NEVER, Account, Never, plain_problem
from archiver.config import Settings, new_settings, parse_settings, with_account
from archiver.errors import ConfigurationError, UsageError

ACCOUNT = Account(
    name="work",
    host="imap.example.org",
    port=993,
    user="jane@consultant.example",
    security="tls",
    keep="everything",
)
BASE = 'time_zone = "Europe/Paris"\nlanguage = "fr"\n'
WORK = """
[account.work]
host = "imap.example.org"
port = 993
user = "jane@consultant.example"
security = "tls"
keep = "everything"
"""


def refused(text: str) -> str:
    """Return what the user is told about TEXT."""
    with pytest.raises(ConfigurationError) as caught:
        parse_settings(text)
    assert caught.value.exit_code == 78
    assert caught.value.advice
    return caught.value.what


def test_new_settings_are_understood() -> None:
    """What init writes is read back to the same values."""
    text = new_settings(time_zone="Europe/Paris", language="fr")
    assert parse_settings(text) == Settings(time_zone="Europe/Paris", language="fr")


def test_new_settings_explain_themselves() -> None:
    """Whoever opens the file learns that secrets do not belong there."""
    assert "# Settings of this archive. Passwords never" in new_settings(
        time_zone="UTC", language="en"
    )


def test_new_settings_refuse_an_unknown_time_zone() -> None:
    """A city alone is answered with the zone that it lies in."""
    with pytest.raises(UsageError, match="did you mean Europe/Paris"):
        new_settings(time_zone="paris", language="fr")


def test_new_settings_refuse_an_unknown_language() -> None:
    """The archive writes French or English."""
    with pytest.raises(UsageError, match='is not one of "en", "fr"'):
        new_settings(time_zone="UTC", language="de")


def test_an_account_is_read() -> None:
    """All that an account says is kept."""
    text = BASE + WORK + 'password_command = "pass mail"\nfolders = ["INBOX", "Envoyés"]\n'
    (account,) = parse_settings(text).accounts
    assert account.password_command == "pass mail"
    assert account.folders == ("INBOX", "Envoyés")


def test_own_addresses_are_the_user_and_the_aliases_in_lower_case() -> None:
    """The user counts when it is an address."""
    text = BASE + WORK + 'addresses = ["Jane.Doe@Consultant.example"]\n'
    settings = parse_settings(text)
    expected = {"jane@consultant.example", "jane.doe@consultant.example"}
    assert settings.accounts[0].own == settings.own == expected


def test_a_user_that_is_no_address_is_not_our_own_address() -> None:
    """Some servers know users by a bare name."""
    text = BASE + WORK.replace("jane@consultant.example", "jane")
    assert parse_settings(text).own == frozenset()


def test_all_errors_are_told_at_once_with_their_place() -> None:
    """Nobody mends a file one error a run."""
    text = 'time_zone = "Europe/Pariss"\nlanguage = 3\n' + WORK.replace("993", "99999")
    what = refused(text)
    assert what.startswith("archive.toml has 3 errors:")
    assert "time_zone: there is no time zone 'Europe/Pariss'; did you mean Europe/Paris?" in what
    assert "language: must be text between quotes" in what
    assert "account.work.port: must be a whole number from 1 to 65535" in what


def test_keep_has_no_default() -> None:
    """What is kept of a mailbox is a decision that nobody takes for the user."""
    what = refused(BASE + WORK.replace('keep = "everything"', ""))
    assert "account.work.keep: is missing; nothing is assumed" in what


@pytest.mark.parametrize("key", ["password", "Password", "app-password", "api_key", "mot_de_passe"])
def test_a_secret_is_refused_and_never_repeated(key: str) -> None:
    """The error says where a secret belongs, and does not print it."""
    what = refused(BASE + WORK + f'{key} = "hunter2"\n')
    assert f"account.work.{key}: a secret never stands in this file" in what
    assert "password_command" in what
    assert "hunter2" not in what


def test_a_misspelt_key_is_answered_with_the_right_one() -> None:
    """An unknown key is never ignored in silence."""
    what = refused(BASE + WORK + 'password_comand = "pass mail"\n')
    assert "account.work.password_comand: unknown key; did you mean password_command?" in what


def test_a_strange_key_is_answered_with_those_that_exist() -> None:
    """When nothing is near, all known keys are named."""
    what = refused(BASE + "[zzz]\nx = 1\n")
    assert "zzz: unknown key; known here: account, " in what
    assert ", schema, time_zone, withheld" in what


@pytest.mark.parametrize("name", ["Work", "-work", '"my work"', '"été"'])
def test_an_account_name_is_plain(name: str) -> None:
    """It names locks and rules as well."""
    what = refused(BASE + WORK.replace("account.work", f"account.{name}"))
    assert "an account's name is made of" in what


@pytest.mark.parametrize("host", ["imaps://imap.example.org", "imap.example.org/", "a b"])
def test_a_host_is_a_name_not_an_address_of_another_kind(host: str) -> None:
    """People paste URLs."""
    assert "is not a server's name" in refused(BASE + WORK.replace("imap.example.org", host))


def test_an_alias_is_a_bare_address() -> None:
    """A name with angle brackets is what a mail program shows, not an address."""
    what = refused(BASE + WORK + 'addresses = ["Jane <jane@consultant.example>"]\n')
    assert "account.work.addresses: 'Jane <jane@consultant.example>' is not a mail address" in what


@pytest.mark.parametrize("port", ["0", "65536", "true", '"993"', "99.3"])
def test_a_port_is_a_number_in_range(port: str) -> None:
    """TOML's true is no number here."""
    assert "account.work.port: must be a whole number" in refused(BASE + WORK.replace("993", port))


@pytest.mark.parametrize("zone", ["../etc/passwd", "/etc/localtime", "Europe", "", "a\\u0000b"])
def test_a_time_zone_is_one_that_exists(zone: str) -> None:
    """Whatever stands there, it is told as an error of the file."""
    assert "time_zone: " in refused(f'time_zone = "{zone}"\nlanguage = "fr"\n')


def test_a_file_that_is_no_toml_is_told_with_the_line() -> None:
    """The reason is the parser's, with its line."""
    what = refused('time_zone = "Europe/Paris\n')
    assert "archive.toml is not valid TOML" in what
    assert "line 1" in what


@pytest.mark.parametrize("schema", ["2", '"1"', "true"])
def test_a_file_of_a_later_version_is_refused(schema: str) -> None:
    """A newer file is not half understood."""
    assert "says schema = " in refused(f"schema = {schema}\n{BASE}")


def test_a_table_in_the_wrong_shape_is_an_error_not_a_crash() -> None:
    """``account = "work"`` is a mistake like another."""
    assert "account: must be a table, such as [account]" in refused(BASE + 'account = "work"\n')
    assert "account.work: must be a table" in refused(BASE + '[account]\nwork = "x"\n')
    assert "account.work.folders: must be a list" in refused(BASE + WORK + "folders = [1]\n")


def test_a_byte_order_mark_is_no_error() -> None:
    """Windows editors write one."""
    assert parse_settings("\ufeff" + BASE + WORK).accounts == (ACCOUNT,)


def test_adding_an_account_changes_nothing_else() -> None:
    """Comments and order are the user's."""
    before = '# my archive\nlanguage = "fr" # oui\ntime_zone = "UTC"\n'
    after = with_account(before, ACCOUNT)
    assert after.startswith(before)
    assert parse_settings(after).accounts == (ACCOUNT,)


def test_accounts_are_added_one_after_the_other() -> None:
    """The second does not disturb the first; strange texts survive."""
    second = Account(
        name="home.2",
        host="::1",
        port=143,
        user='j"ané\\',
        security="starttls",
        keep="engagements",
        password_command="printf '%s' \"x\"",
        folders=("Éléments envoyés",),
        addresses=("j@home.example",),
    )
    text = with_account(with_account(BASE, ACCOUNT), second)
    assert parse_settings(text).accounts == (ACCOUNT, second)


def test_line_ends_of_the_file_are_kept() -> None:
    """A file of Windows stays one."""
    after = with_account(BASE.replace("\n", "\r\n"), ACCOUNT)
    assert "\n" not in after.replace("\r\n", "")


def test_an_account_is_never_replaced() -> None:
    """Its sightings belong to the one that is there."""
    with pytest.raises(UsageError, match="already an account named work") as caught:
        with_account(BASE + WORK, ACCOUNT)
    assert "`archiver account edit work`" in caught.value.advice


def test_an_account_that_would_not_be_understood_is_not_added() -> None:
    """The command is told all that is wrong, as with the file."""
    wrong = Account(name="My Work", host="", port=0, user="jane", security="tls", keep="everything")
    with pytest.raises(UsageError, match="cannot be added") as caught:
        with_account(BASE, wrong)
    assert "port" in caught.value.what
    assert "host: the server's name is missing" in caught.value.what
    assert "an account's name is made of" in caught.value.what


@pytest.mark.parametrize("host", ["imap.example.org", "10.0.0.1", "127.0.0.1.evil.example"])
def test_plain_text_to_another_machine_is_an_error_of_the_file(host: str) -> None:
    """In the words in which a connection would refuse it."""
    text = BASE + WORK.replace('"tls"', '"plain"').replace("imap.example.org", host)
    assert f"account.work.security: {plain_problem(host)}" in refused(text)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_plain_text_to_this_machine_is_taken(host: str) -> None:
    """A bridge or a local server."""
    text = BASE + WORK.replace('"tls"', '"plain"').replace("imap.example.org", host)
    assert parse_settings(text).accounts[0].security == "plain"


def test_accounts_in_braces_are_told_not_broken() -> None:
    """TOML cannot extend an inline table."""
    with pytest.raises(UsageError, match=r"write them as \[account.NAME\]"):
        with_account(BASE + "account = {}\n", ACCOUNT)


def test_importing_the_settings_loads_no_heavy_library() -> None:
    """``archiver --help`` starts fast."""
    code = (
        "import sys, archiver.config, archiver.engagements;"
        "print(sorted({'tomlkit', 'tomllib', 'cattrs', 'zoneinfo'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- what is never fetched, and what is told when nothing is -------------------------------------


@pytest.mark.parametrize("word", ["[]", " :", "***", "-"])
def test_a_subject_without_a_word_is_no_rule(word: str) -> None:
    """Nobody is to believe that it keeps anything out."""
    what = refused(f'{BASE}[never]\nsubjects = ["personnel", "{word}"]\n')
    assert f"never.subjects: {word!r} holds no word" in what


def test_what_is_never_fetched_is_read() -> None:
    """Addresses, domains, folders and words."""
    text = BASE + (
        '[never]\naddresses = ["wife@home.example", "@doctor.example"]\n'
        'folders = ["Privé", "work/Perso"]\nsubjects = ["personnel"]\n'
    )
    assert parse_settings(text).never == Never(
        addresses=("wife@home.example", "@doctor.example"),
        folders=("Privé", "work/Perso"),
        subjects=("personnel",),
    )
    assert parse_settings(BASE).never == NO_NEVER
    assert not NO_NEVER


@pytest.mark.parametrize("address", ["doctor.example", "@", "wife", "wife@", "@@x.example"])
def test_what_is_never_fetched_is_an_address_or_a_domain(address: str) -> None:
    """A bare domain would be understood by nobody alike."""
    assert "never.addresses" in refused(BASE + f'[never]\naddresses = ["{address}"]\n')


def test_a_misspelt_kind_of_rule_is_refused() -> None:
    """A rule that is ignored would fetch what nobody wants fetched."""
    what = refused(BASE + '[never]\nsubject = ["private"]\n')
    assert "never.subject: unknown key; did you mean subjects?" in what


def test_a_new_file_shows_how_to_exclude() -> None:
    """The example is a comment; without the marks it is understood."""
    text = new_settings(time_zone="UTC", language="fr")
    start = text.index("# [never]")
    example = text[start:].replace("# ", "")
    assert parse_settings(text[:start] + example).never == Never(
        addresses=("family@home.example", "@doctor.example"),
        folders=("Private", "work/Personal"),
        subjects=("personnel", "privé", "private"),
    )


def test_when_a_failing_sync_is_told_is_read() -> None:
    """Three days, unless told otherwise; a command when one is given."""
    settings = parse_settings('on_failure = "notify me"\nstale_after_days = 7\n' + BASE)
    assert (settings.on_failure, settings.stale_after) == ("notify me", 7)
    settings = parse_settings(BASE)
    assert (settings.on_failure, settings.stale_after) == (None, 3)


@pytest.mark.parametrize("days", ["0", "366", '"3"', "true", "1.5"])
def test_days_without_a_good_sync_are_a_whole_number(days: str) -> None:
    """And at least one."""
    assert "stale_after_days: must be a whole number from 1 to 365" in refused(
        f"stale_after_days = {days}\n{BASE}"
    )
