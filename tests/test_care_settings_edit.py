"""``archive.toml`` is changed by commands so that its owner's words stay where they are."""

from dataclasses import replace

import pytest

from archiver.accounts import Account, OAuth
from archiver.care.settings_edit import with_changed_account, without_account
from archiver.config import find_account, parse_settings
from archiver.errors import UsageError

HEAD = 'time_zone = "UTC" # days\nlanguage = "fr"\n'
VALUES = 'port = 993\nuser = "me" # user\nsecurity = "tls"\nkeep = "everything"\n'
WORK = f'\n# the office\n[account.work]\nhost = "a.example" # host\n{VALUES}'
HOME = f'\n# at home\n[account."home.2"] # mine\nhost = "b.example"\n{VALUES}'
INLINE = 'host = "a", port = 2, user = "me", security = "tls", keep = "everything"'
DOTS = "".join(f"account.work.{line}\n" for line in ('host = "a"', *VALUES.splitlines()))
BOTH = HEAD + WORK + HOME


def account(text: str, name: str = "work") -> Account:
    """Return an account of TEXT."""
    return find_account(parse_settings(text), name)


def test_a_change_touches_the_line_it_is_about() -> None:
    """The comment of that line stays too."""
    after = with_changed_account(BOTH, replace(account(BOTH), host="new.example"))
    assert after == BOTH.replace("a.example", "new.example")


def test_a_new_value_stands_before_the_comment_of_the_next_table() -> None:
    """Else it would look as if the comment were about it."""
    wanted = replace(account(BOTH), folders=("INBOX",), password_command="pass show")
    after = with_changed_account(BOTH, wanted)
    added = 'password_command = "pass show"\nfolders = ["INBOX"]\n'
    assert after == HEAD + WORK + added + HOME
    assert with_changed_account(after, account(BOTH)) == BOTH


def test_a_value_is_added_where_the_file_has_no_last_line_end() -> None:
    """Many editors leave none."""
    text = BOTH.rstrip("\n")
    wanted = replace(account(text, "home.2"), addresses=("me@home.example",))
    assert account(with_changed_account(text, wanted), "home.2") == wanted


@pytest.mark.parametrize(
    "text",
    [
        HEAD + f"[account]\nwork = {{{INLINE}}}\n",
        HEAD + DOTS,
        BOTH.replace("\n", "\r\n"),
    ],
    ids=["braces", "dots", "Windows"],
)
def test_other_ways_of_writing_an_account_can_be_changed(text: str) -> None:
    """Whatever TOML allows."""
    wanted = replace(account(text), host="new.example", folders=("INBOX",), port=1)
    after = with_changed_account(text, wanted)
    assert account(after) == wanted
    assert ("\r\n" in text) == ("\r\n" in after)


def test_a_removed_account_takes_no_comment_along() -> None:
    """Neither that of the table before nor that of the table after."""
    assert without_account(BOTH, "work") == HEAD + "\n# the office\n" + HOME
    assert without_account(BOTH, "home.2") == HEAD + WORK + "\n# at home\n"


def test_an_account_without_a_table_of_its_own_is_removed_by_hand() -> None:
    """Told, not broken."""
    text = HEAD + DOTS
    with pytest.raises(UsageError, match="in a way that no command can change") as caught:
        without_account(text, "work")
    assert "any text editor" in caught.value.advice


def test_a_table_that_only_looks_like_the_account_is_not_cut() -> None:
    """Text over several lines may hold anything: what is not sure is not done."""
    text = f'{HEAD}account.work.password_command = """\n[account.work]\n"""\n{DOTS}'
    assert account(text).host == "a"
    with pytest.raises(UsageError):
        without_account(text, "work")


OAUTH = '\n[account.work.oauth] # ours\nprovider = "google"\nclient_id = "one" # from the console\n'
WITH_OAUTH = HEAD + WORK + OAUTH + HOME
GOOGLE = OAuth(provider="google", client_id="one")


def test_oauth_is_added_within_braces() -> None:
    """So that the table stays in one piece."""
    wanted = replace(account(BOTH), oauth=GOOGLE)
    after = with_changed_account(BOTH, wanted)
    added = 'oauth = {provider = "google", client_id = "one"}\n'
    assert after == HEAD + WORK + added + HOME
    assert with_changed_account(after, account(BOTH)) == BOTH


def test_a_value_of_oauth_is_changed_where_it_stands() -> None:
    """Its comment stays, and so do the others."""
    wanted = replace(account(WITH_OAUTH), oauth=replace(GOOGLE, client_id="two"))
    after = with_changed_account(WITH_OAUTH, wanted)
    assert after == WITH_OAUTH.replace('"one"', '"two"')


def test_a_value_is_added_to_oauth_and_to_the_account_above_it() -> None:
    """Each in its own table."""
    more = replace(GOOGLE, client_secret_command="pass show client")
    wanted = replace(account(WITH_OAUTH), oauth=more, mailbox="team@example.org")
    after = with_changed_account(WITH_OAUTH, wanted)
    assert account(after) == wanted
    assert after.index('mailbox = "team@example.org"') < after.index("[account.work.oauth]")
    assert after.index("client_secret_command") < after.index("# at home")


def test_oauth_is_taken_out_of_an_account() -> None:
    """However it is written."""
    for text in (WITH_OAUTH, with_changed_account(BOTH, replace(account(BOTH), oauth=GOOGLE))):
        after = with_changed_account(text, replace(account(text), oauth=None))
        assert account(after).oauth is None
        assert "# at home" in after
        assert "client_id" not in after


@pytest.mark.parametrize(
    "text",
    [HEAD + f"[account]\nwork = {{{INLINE}}}\n", HEAD + DOTS, WITH_OAUTH.replace("\n", "\r\n")],
    ids=["braces", "dots", "Windows"],
)
def test_oauth_is_written_whatever_the_account_is_written_in(text: str) -> None:
    """Whatever TOML allows."""
    wanted = replace(account(text), oauth=replace(GOOGLE, client_id="two"))
    assert account(with_changed_account(text, wanted)) == wanted


def test_a_removed_account_takes_its_oauth_along() -> None:
    """And no comment of the next one."""
    assert without_account(WITH_OAUTH, "work") == HEAD + "\n# the office\n\n" + HOME
    assert without_account(WITH_OAUTH, "home.2") == HEAD + WORK + OAUTH + "\n# at home\n"
    apart = HEAD + WORK + HOME + OAUTH
    assert "oauth" not in without_account(apart, "work")
