"""Bring the translations level with the sources: ``make messages``.

The tests use it too. It needs Babel (the extra ``dev``) and the checkout. The template is made in
memory and never kept; what is committed is the ``.po`` file of each language, which people edit,
and the ``.mo`` file made from it, which the wheel ships.
"""

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "archiver" / "locale"
DOMAIN = "archiver"
OUTSIDE = LOCALE / "outside.pot"
"""What click and the operating system say to users of this command, kept by hand."""
_SOURCES = (("archiver", "**.py", "python"), ("index", "**.py", "python"))
_PAGES = ("templates", "**.html", "jinja2")
_KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
}
_WIDTH = 100
_ESCAPED = re.compile(r"\\(.)")


class Words(Catalog):
    """A catalogue whose header says nothing that changes from day to day or with Babel."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """The header's lines."""
        return [
            ("Project-Id-Version", "written-record-archiver"),
            ("Language", self.locale_identifier or ""),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]


def extract() -> Catalog:
    """Return every message of the sources, in order of file and place, without translations."""
    template = Catalog()
    for folder, pattern, method in (*_SOURCES, _PAGES):
        found = extract_from_dir(
            ROOT / folder,
            method_map=[(pattern, method)],
            options_map={},
            keywords=_KEYWORDS,
            comment_tags=("Translators:",),
            strip_comment_tags=True,
        )
        for name, _line, words, comments, _context in sorted(found, key=lambda each: each[:2]):
            template.add(words, locations=[(f"{folder}/{name}", 0)], auto_comments=comments)
    for message in load(OUTSIDE):
        if message.id:
            template.add(message.id, auto_comments=message.auto_comments, flags=message.flags)
    return template


def load(path: Path) -> Catalog:
    r"""Read a .po file; Babel knows all escapes but ``\b``, which click's help texts need."""
    text = _ESCAPED.sub(
        lambda found: "\b" if found[1] == "b" else found[0], path.read_text("utf-8")
    )
    locale = None if path.suffix == ".pot" else path.parent.parent.name
    return read_po(io.BytesIO(text.encode()), locale=locale, domain=DOMAIN, charset="utf-8")


def merged(old: Catalog, template: Catalog) -> Words:
    """Return OLD brought level with TEMPLATE; a message that is like an old one is fuzzy."""
    old.update(template)
    words = Words(locale=old.locale, domain=DOMAIN, header_comment=old.header_comment, fuzzy=False)
    for message in old:
        if message.id:
            words[message.id] = message
    return words


def po_text(words: Words) -> str:
    """Write a catalogue as a .po file: with files, but no line numbers, which change daily."""
    out = io.BytesIO()
    write_po(out, words, width=_WIDTH, include_lineno=False, ignore_obsolete=True)
    return out.getvalue().decode().replace("\b", "\\b")


def mo_bytes(words: Words) -> bytes:
    """Compile a catalogue."""
    out = io.BytesIO()
    write_mo(out, words)
    return out.getvalue()


def languages() -> Iterator[Path]:
    """Return the .po file of each language."""
    return iter(sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po")))


def waiting(words: Catalog) -> list[Message]:
    """Return the messages that a person must translate, or look at because they are fuzzy."""
    return [each for each in words if each.id and (each.fuzzy or not all(_forms(each.string)))]


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ("",))


def main() -> int:
    """Bring each language level and compile it; exit 1 when a person must translate."""
    code = 0
    for path in languages():
        words = merged(load(path), extract())
        path.write_text(po_text(words), "utf-8")
        path.with_suffix(".mo").write_bytes(mo_bytes(words))
        for message in waiting(words):
            code = 1
            sys.stderr.write(f"{path.relative_to(ROOT)}: to translate: {message.id!r}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
