"""Tables for spreadsheets: what is withheld, how exhibits were handled."""

import csv
import io
from collections.abc import Iterable
from gettext import NullTranslations

from archiver.dossier.exhibits import Dossier, Language
from archiver.dossier.pages import in_zone, translations
from archiver.dossier.text import one_line
from archiver.model.withholding import LeftOut

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Also in the full width that spreadsheets of East Asia take."""
_BYTE_ORDER_MARK = "\ufeff"
"""Spreadsheet programs take a table without it for the system's old character set."""
_LONGEST_CELL = 2_000


def table(language: Language, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write rows as CSV (RFC 4180) for the spreadsheets of LANGUAGE.

    French ones expect a semicolon between cells, so a French dossier uses it. A cell that a
    spreadsheet would take for a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    delimiter = ";" if language == "fr" else ","
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(map(_cell, row) for row in rows)
    return _BYTE_ORDER_MARK + out.getvalue()


def render_withheld(dossier: Dossier) -> str:
    """List what is withheld: number, day, reason and how many copies; nothing else is told."""
    words = translations(dossier.language)
    rows = (
        (
            each.number,
            in_zone(each.date, dossier.time_zone).date().isoformat(),
            _reason(each, words),
            str(each.copies),
        )
        for each in dossier.withheld
    )
    return table(dossier.language, ("number", "date", "reason", "copies"), rows)


def _reason(each: LeftOut, words: NullTranslations) -> str:
    """Say why in the dossier's own language, which need not be the command's."""
    _ = words.gettext
    reasons = {
        "lawyer": _("correspondence with a lawyer"),
        "settlement": _("settlement talk"),
        "other": _("confidential by a rule of the archive's owner"),
    }
    found = [reasons[about] for about in each.about]
    if each.by_person:
        found.append(_("confidential by decision of the archive's owner"))
    return "; ".join(found)


def render_custody(dossier: Dossier) -> str:
    """List every act of the journal on each exhibit, in order."""
    rows = (
        (each.name, each.at.isoformat(), each.who, each.what, each.detail, str(each.entry))
        for each in dossier.custody
    )
    columns = ("number", "at", "who", "what", "detail", "journal_position")
    return table(dossier.language, columns, rows)


def _cell(text: str) -> str:
    """Keep a cell to one line, and from being taken for a formula."""
    flat = one_line(text, _LONGEST_CELL)
    return f"'{flat}" if flat.startswith(_FORMULA) else flat
