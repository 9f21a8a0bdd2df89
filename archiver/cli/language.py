"""Choose the language before any command module is loaded: help texts are made at import."""

import gettext
import locale
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from archiver.cli.own import LANGUAGES, wish

DOMAIN = "archiver"
_STARTED_WITH = os.environ.get("LANGUAGE")
_FOLDER = Path(__file__).resolve().parent.parent / "locale"
_NOTHING: Mapping[str, str] = MappingProxyType({})


def choose_language(
    arguments: Sequence[str], environ: Mapping[str, str], own: Mapping[str, str] = _NOTHING
) -> str:
    """Choose from ``--lang``, ARCHIVER_LANG, the user's OWN file, the locale; else English."""
    wishes = (
        wish("--lang", arguments),
        environ.get("ARCHIVER_LANG"),
        own.get("lang"),
        *_from_locale(environ),
    )
    for wished in wishes:
        if wished and wished[:2].lower() in LANGUAGES:
            return wished[:2].lower()
    return LANGUAGES[0]


def set_language(language: str) -> None:
    """Make every later ``gettext`` call of this process, click's own too, speak LANGUAGE."""
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain(DOMAIN, str(_FOLDER))
    gettext.textdomain(DOMAIN)


def users_environment() -> dict[str, str]:
    """Return the environment for programs that we start: they speak the user's own language."""
    environ = dict(os.environ)
    # Empty is the same as absent to gettext, and click cannot take a variable away.
    environ["LANGUAGE"] = _STARTED_WITH or ""
    return environ


def _from_locale(environ: Mapping[str, str]) -> tuple[str | None, ...]:
    named = tuple(environ.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    return named if any(named) else (locale.getlocale()[0],)
