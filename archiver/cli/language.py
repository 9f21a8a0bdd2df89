"""Choose the language before any command module is loaded: help texts are made at import."""

import gettext
import locale
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

LANGUAGES = ("en", "fr")
DOMAIN = "archiver"
_FOLDER = Path(__file__).resolve().parent.parent / "locale"


def choose_language(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """Choose from ``--lang``, then ARCHIVER_LANG, then the locale; English if none is ours."""
    for wish in (_from_arguments(arguments), environ.get("ARCHIVER_LANG"), *_from_locale(environ)):
        if wish and wish[:2].lower() in LANGUAGES:
            return wish[:2].lower()
    return LANGUAGES[0]


def set_language(language: str) -> None:
    """Make every later ``gettext`` call of this process, click's own too, speak LANGUAGE."""
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain(DOMAIN, str(_FOLDER))
    gettext.textdomain(DOMAIN)


def _from_arguments(arguments: Sequence[str]) -> str | None:
    for place, argument in enumerate(arguments):
        if argument == "--":
            return None
        if argument.startswith("--lang="):
            return argument.removeprefix("--lang=")
        if argument == "--lang" and place + 1 < len(arguments):
            return arguments[place + 1]
    return None


def _from_locale(environ: Mapping[str, str]) -> tuple[str | None, ...]:
    named = tuple(environ.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    return named if any(named) else (locale.getlocale()[0],)
