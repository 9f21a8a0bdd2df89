"""``archive.toml`` is changed by commands so that its owner's words stay where they are."""

from dataclasses import replace

import pytest

from archiver.accounts import Account
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
