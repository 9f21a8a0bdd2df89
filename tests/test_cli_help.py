"""Help: everywhere, with examples, in both languages, and cheap."""

from collections.abc import Iterator

import click
import pytest
from command import archiver, environment

from archiver.cli.language import choose_language
from archiver.cli.main import build


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command there is."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


with environment({"LANGUAGE": "en"}):
    ALL = sorted(commands(build()))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    """What to type is shown, not only described."""
    said = archiver(*words, "--help")
    assert said.code == 0
    assert "Example" in said.out or "archiver " in said.out.split("Options", maxsplit=1)[0][30:]
    assert "Show this message and exit." in said.out


def test_the_completion_script_names_the_command() -> None:
    """For each shell that is offered."""
    for shell in ("bash", "zsh", "fish"):
        assert "_ARCHIVER_COMPLETE" in archiver("completion", shell).out


@pytest.mark.parametrize(
    ("arguments", "environ", "language"),
    [
        (["--lang", "fr", "status"], {}, "fr"),
        (["--lang=fr"], {"ARCHIVER_LANG": "en"}, "fr"),
        ([], {"ARCHIVER_LANG": "fr", "LANG": "en_GB.UTF-8"}, "fr"),
        ([], {"LANG": "fr_CA.UTF-8"}, "fr"),
        ([], {"LANG": "de_DE.UTF-8"}, "en"),
        ([], {"LC_ALL": "C"}, "en"),
        (["search", "--", "--lang", "fr"], {"LANG": "C"}, "en"),
    ],
)
def test_the_language_is_chosen_from_the_nearest_wish(
    arguments: list[str], environ: dict[str, str], language: str
) -> None:
    """The command line, then ARCHIVER_LANG, then the locale."""
    assert choose_language(arguments, environ) == language
