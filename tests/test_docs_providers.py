"""The recipes in docs/providers are tried: each command in them is one that there is."""

import re
import shlex
from pathlib import Path

import pytest
from command import archiver, new_desk

from archiver.config import parse_settings

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "providers"
PAGES = sorted(FOLDER.glob("*.md"))
WANTED = {
    *("fastmail", "free", "generic", "gmail", "infomaniak", "microsoft-365", "orange", "ovh"),
    "proton-bridge",
}
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="reads the docs of the checkout")


def commands(page: Path) -> list[list[str]]:
    """Return the commands of PAGE, each in its words, ``archiver`` left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("archiver ")]


def test_every_provider_that_was_asked_for_has_a_recipe() -> None:
    """The overview links each of them."""
    assert {page.stem for page in PAGES} == WANTED
    overview = (FOLDER.parent / "accounts.md").read_text("utf-8")
    assert all(f"(providers/{name}.md)" in overview for name in WANTED)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_first_line_says_whose_mailboxes_may_be_archived(page: Path) -> None:
    """Before anything else."""
    first, empty, title = page.read_text("utf-8").splitlines()[:3]
    assert first.startswith("**Archive only mailboxes that you are entitled to")
    assert empty == ""
    assert title.startswith("# ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_recipe_work(page: Path, tmp_path: Path) -> None:
    """Accounts are added as written; what would connect is asked for its help."""
    desk = new_desk(tmp_path / "archive")
    names = set()
    for words in commands(page):
        if words[:2] == ["account", "add"]:
            desk.ok(*words)
            names.add(words[2])
        else:
            assert words[2] in names, words
            assert archiver(*words[:2], *words[3:], "--help").code == 0
    assert names
    settings = parse_settings((desk.root / "archive.toml").read_text("utf-8"))
    assert {account.name for account in settings.accounts} == names
    for account in settings.accounts:
        assert account.security != "plain"
        assert account.password_command or account.takes_token
