"""Turn values into pages: the one module that knows Jinja2.

Everything printed passes ``finalize`` (hidden characters are shown) and then autoescape; nothing is
declared safe. A page holds no script and asks for nothing from outside: its policy says so.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from gettext import NullTranslations, translation
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from archiver.dossier.exhibits import Exhibit, Language
from archiver.dossier.text import excerpt, one_line, passages, visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

NARROW_SPACE = "\u202f"


class Translations(Protocol):
    """What of ``gettext.NullTranslations`` the pages use."""

    def gettext(self, message: str, /) -> str:
        """Translate MESSAGE."""

    def ngettext(self, one: str, many: str, count: int, /) -> str:
        """Translate ONE or MANY according to COUNT."""


def translations(language: Language) -> NullTranslations:
    """Load the words of LANGUAGE, which need not be the language of the command."""
    locale = files("archiver").joinpath("locale")
    return translation("archiver", localedir=str(locale), languages=[language], fallback=True)


def render_part(
    template: str, values: Mapping[str, object], *, words: Translations, zone: tzinfo
) -> "Markup":
    """Render a TEMPLATE that is a piece of a page, to be put into another template as it is."""
    from markupsafe import Markup

    part = _environment(words, zone).get_template(template).render(**values)
    return Markup(part)  # noqa: S704 - a template that escapes by itself has made it


def render(
    template: str, values: Mapping[str, object], *, words: Translations, zone: tzinfo
) -> str:
    """Render TEMPLATE over VALUES in the language of WORDS, with dates in ZONE.

    The page's style sheet is part of the page; ``style_hash`` lets its policy name it.
    """
    environment = _environment(words, zone)
    style = environment.get_template("dossier.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return environment.get_template(template).render(**values, style_hash=f"sha256-{digest}")


def _environment(words: Translations, zone: tzinfo) -> "Environment":
    """Make the environment; Jinja2 is imported here because only pages need it."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The extension adds this method when it is loaded; Jinja2's types cannot know.
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, words.ngettext, newstyle=True
    )
    environment.filters |= {
        "line": one_line,
        "excerpt": excerpt,
        "passages": passages,
        "grouped": grouped,
        "stamp": lambda when: stamp(when, zone),
        "as_written": as_written,
        "long_date": lambda when: long_date(in_zone(when, zone), words),
        "span": lambda difference: span(difference, words),
        "month": lambda when: month(in_zone(when, zone), words),
        "groupby_month": lambda exhibits: _by_month(exhibits, zone, words),
    }
    return environment


def _by_month(
    exhibits: Iterable[Exhibit], zone: tzinfo, words: Translations
) -> Iterator[tuple[str, tuple[Exhibit, ...]]]:
    """Group EXHIBITS, which stand in order of date, by the month in ZONE, named in words."""
    named = groupby(exhibits, key=lambda each: month(in_zone(each.view.line.date, zone), words))
    for name, group in named:
        yield name, tuple(group)


def _source(name: str) -> str | None:
    """Read a template from the package that ships them."""
    path = files("archiver.templates").joinpath(name)
    return path.read_text("utf-8") if path.is_file() else None


def _finalize(value: object) -> object:
    """Show hidden characters in whatever a template prints; markup stays markup."""
    from markupsafe import Markup

    if isinstance(value, Markup):
        return Markup(visible(str(value)))  # noqa: S704 - it was markup; marks hold no markup
    return visible(value) if isinstance(value, str) else value


def grouped(number: int) -> str:
    """Write NUMBER with a narrow space between thousands, which English and French both read."""
    return f"{number:,}".replace(",", NARROW_SPACE)


def in_zone(when: datetime, zone: tzinfo) -> datetime:
    """Return WHEN in ZONE; at the ends of the calendar, where that fails, as it is."""
    try:
        return when.astimezone(zone)
    except (OverflowError, ValueError):
        return when


def as_written(when: datetime) -> str:
    """Return WHEN to the second, in the offset it was stated with."""
    return f"{when.isoformat(sep=' ', timespec='seconds')[:19]} {offset(when)}"


def offset(when: datetime) -> str:
    """Return the offset of WHEN from UTC, as in RFC 3339: ``+01:00``."""
    seconds = int((when.utcoffset() or timedelta()).total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    return f"{sign}{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"


def stamp(when: datetime, zone: tzinfo) -> str:
    """Return WHEN in ZONE to the minute, with its offset: ``2026-03-02 09:30 +01:00``."""
    local = in_zone(when, zone)
    return f"{local.isoformat(sep=' ', timespec='minutes')[:16]} {offset(local)}"


def month(when: datetime, words: Translations) -> str:
    """Return month and year of WHEN in words: ``March 2026``."""
    return f"{_month_name(when.month, words)} {when.year}"


def long_date(when: datetime, words: Translations) -> str:
    """Return WHEN in words, with its offset: ``2 March 2026, 09:30 (+01:00)``."""
    return f"{when.day} {month(when, words)}, {when:%H:%M} ({offset(when)})"


def span(difference: timedelta, words: Translations) -> str:
    """Return a length of time in days and hours, in words."""
    hours = round(difference.total_seconds() / 3600)
    days, hours = divmod(hours, 24)
    parts: list[str] = []
    if days:
        parts.append(
            words.ngettext("{count} day", "{count} days", days).format(count=grouped(days))
        )
    if hours or not days:
        parts.append(words.ngettext("{count} hour", "{count} hours", hours).format(count=hours))
    return " ".join(parts)


def _month_name(number: int, words: Translations) -> str:
    """Return the name of a month; written out so that the words are found for translation."""
    _ = words.gettext
    names = (
        _("January"),
        _("February"),
        _("March"),
        _("April"),
        _("May"),
        _("June"),
        _("July"),
        _("August"),
        _("September"),
        _("October"),
        _("November"),
        _("December"),
    )
    return names[number - 1]
