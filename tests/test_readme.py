"""What README says is so: its commands exist, its help block is the command's own."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from archiver import errors

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "README.md").is_file():
    pytest.skip("README is tested on the checkout", allow_module_level=True)
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(<!-- help: .*? -->\n```\n)(.*?)(```\n<!-- /help -->)", re.DOTALL)


def real_help(*command: str) -> str:
    """Return what ``archiver --help`` prints on a terminal of 80 columns, in English."""
    done = subprocess.run(
        [Path(sysconfig.get_path("scripts")) / "archiver", *command, "--help"],
        env=os.environ | {"COLUMNS": "80", "LANGUAGE": "en", "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return done.stdout.decode().replace("\r\n", "\n")


def commands() -> list[list[str]]:
    """Return the words of each ``archiver`` command in README's shell blocks."""
    blocks = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).replace("\\\n", " ")
    return [line.split() for line in blocks.splitlines() if line.startswith("archiver ")]


def test_the_help_block_is_what_the_command_prints() -> None:
    """``python tests/test_readme.py`` writes it anew."""
    found = BLOCK.search(README)
    assert found, "README has lost the marks of its help block"
    assert found[2] == real_help()


def test_each_make_target_of_readme_exists() -> None:
    """What is typed first works."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize("words", commands(), ids=lambda words: words[3])
def test_each_command_of_readme_takes_its_options(words: list[str]) -> None:
    """Each option named in an example is in the help of that command."""
    names = [word for word in words[3:5] if word.isalpha()]
    names = names if names[0] in {"account", "engagement"} else names[:1]
    help_ = real_help(*names)
    options = [word.partition("=")[0] for word in words[3:] if word.startswith("--")]
    assert all(option in help_ for option in options)


def test_the_exit_codes_are_those_of_the_errors() -> None:
    """The table leaves none out."""
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    declared = {
        value.exit_code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.ArchiverError)
    }
    assert table == declared | {0, 3, 4, 130}


def test_each_page_that_readme_names_exists() -> None:
    """No link leads nowhere."""
    pages = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [page for page in pages if not (ROOT / page).is_file()] == []


def write_help() -> None:
    """Put the command's own words into README."""
    text = BLOCK.sub(lambda found: found[1] + real_help() + found[3], README)
    (ROOT / "README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_help()
    sys.stdout.write("README.md has the help of today.\n")
