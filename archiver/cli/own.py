"""What a user settles once for all commands: their own file, and options read before click.

Language and colour must be known before click runs: help texts are made when command modules are
imported, and errors of any kind are told in both.
"""

import os
from collections.abc import Mapping, Sequence
from gettext import gettext as _
from pathlib import Path

from archiver.errors import ConfigurationError

LANGUAGES = ("en", "fr")
COLOURS = ("auto", "always", "never")
_KEYS = ("archive", "lang", "color")


def own_settings(path: Path | None) -> Mapping[str, str]:
    """Read the user's own file: the one at PATH, else the one in the usual place if it exists.

    Raises ConfigurationError when it cannot be read, or says what it cannot say.
    """
    if path is None:
        import platformdirs

        path = platformdirs.user_config_path("written-record-archiver") / "config.toml"
        if not path.is_file():
            return {}
    values = _read(path)
    unknown = sorted(set(values) - set(_KEYS))
    texts = {key: value for key, value in values.items() if isinstance(value, str)}
    if unknown or len(texts) < len(values):
        raise ConfigurationError(
            _("{path} may hold archive, lang and color, each a text.").format(path=path),
            advice=_("Remove or mend: {keys}").format(keys=", ".join(unknown or values)),
        )
    _choice(path, texts, "lang", LANGUAGES)
    _choice(path, texts, "color", COLOURS)
    return texts


def _read(path: Path) -> Mapping[str, object]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            _("{path} cannot be read: {error}").format(path=path, error=error),
            advice=_("Mend the file, or name another with --config."),
        ) from error


def _choice(path: Path, values: Mapping[str, str], key: str, known: Sequence[str]) -> None:
    value = values.get(key)
    if value is not None and value not in known:
        raise ConfigurationError(
            _("{path}: {key} cannot be {value!r}.").format(path=path, key=key, value=value),
            advice=_("Write one of: {known}").format(known=", ".join(known)),
        )


def settings_before_click(
    arguments: Sequence[str], environ: Mapping[str, str]
) -> Mapping[str, str]:
    """Read the user's own file before click does; whatever is wrong with it is told later."""
    named = wish("--config", arguments) or environ.get("ARCHIVER_CONFIG")
    try:
        return own_settings(Path(named) if named else None)
    except ConfigurationError:
        return {}


def wish(option: str, arguments: Sequence[str]) -> str | None:
    """Return what a global OPTION is set to on the command line; None when it is not."""
    for place, argument in enumerate(arguments):
        if argument == "--":
            return None
        if argument.startswith(f"{option}="):
            return argument.removeprefix(f"{option}=")
        if argument == option and place + 1 < len(arguments):
            return arguments[place + 1]
    return None


def colour(wished: str | None, environ: Mapping[str, str] = os.environ) -> bool | None:
    """Settle whether to colour; None leaves it to whether a terminal is there."""
    if wished in ("always", "never"):
        return wished == "always"
    return False if environ.get("NO_COLOR") else None
