"""The chronology: every exhibit with its facts, as a page, and as a table for spreadsheets."""

from collections.abc import Iterable, Iterator

from archiver.dossier.exhibits import Copy, Dossier, Exhibit, Language
from archiver.dossier.pages import in_zone, render, render_part, translations
from archiver.dossier.tables import table
from archiver.model.reading import Mailbox

_COLUMNS = (
    "number",
    "date",
    "date_basis",
    "date_header",
    "internaldate",
    "first_seen",
    "dates_disagree",
    "side",
    "from",
    "to",
    "cc",
    "subject",
    "attachments",
    "size",
    "sha256",
    "file",
    "journal_position",
)


def render_chronology(dossier: Dossier, language: Language | None = None) -> str:
    """Render the chronology as one HTML page that stands alone and prints well.

    LANGUAGE is the dossier's own unless given.
    """
    language = language or dossier.language
    return render(
        "chronology.html",
        {"dossier": dossier, "language": language},
        words=translations(language),
        zone=dossier.time_zone,
    )


def render_readme(dossier: Dossier) -> str:
    """Render the page that says what the folder holds and how to verify it, French and English."""
    order: tuple[Language, Language] = ("fr", "en") if dossier.language == "fr" else ("en", "fr")
    parts = [
        render_part(
            "readme-part.html",
            {"dossier": dossier, "language": language},
            words=translations(language),
            zone=dossier.time_zone,
        )
        for language in order
    ]
    return render(
        "readme.html",
        {"dossier": dossier, "language": order[0], "parts": parts},
        words=translations(order[0]),
        zone=dossier.time_zone,
    )


def render_table(dossier: Dossier) -> str:
    """Render the chronology as CSV (RFC 4180), one row for each exported file."""
    return table(
        dossier.language,
        _COLUMNS,
        _rows(dossier),
    )


def _rows(dossier: Dossier) -> Iterator[Iterator[str]]:
    for exhibit in dossier.exhibits:
        yield _row(dossier, exhibit, exhibit)
        for copy in exhibit.copies:
            yield _row(dossier, exhibit, copy)


def _row(dossier: Dossier, exhibit: Exhibit, what: Exhibit | Copy) -> Iterator[str]:
    """Yield the cells of an exhibit, or of a copy of it."""
    view = what.view
    line = view.line
    yield what.name
    yield in_zone(line.date, dossier.time_zone).isoformat()
    yield line.date_basis
    yield view.date_header.isoformat() if view.date_header else ""
    yield view.internaldate.isoformat() if view.internaldate else ""
    yield view.first_seen.isoformat()
    yield " ".join(each.other for each in exhibit.disagreements) if what is exhibit else ""
    yield " ".join(side or "unknown" for side in exhibit.sides)
    yield from map(_people, (line.from_, line.to, view.cc))
    yield line.subject
    yield "; ".join(attachment.name for attachment in view.attachments)
    yield str(line.size)
    yield line.digest.hex
    yield f"messages/{what.name}.eml"
    yield str(line.position)


def _people(mailboxes: Iterable[Mailbox]) -> str:
    return "; ".join(map(str, mailboxes))
