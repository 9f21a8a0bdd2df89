"""The templates as a whole: their words, and what they may not do."""

import re
from importlib.resources import files

import pytest
from dossiers import dossier
from views import DATE, MARIE, US, digest_of, view

from archiver.dossier.pages import render
from archiver.model.reading import Attachment, Defect

FORBIDDEN = re.compile(
    r"infalsifiable|unfalsifiable|irr[ée]futable|certified|certifié|tamper.?proof|legally binding"
    r"|juridiquement contraignant|original signé|signed original|inviolable",
    re.IGNORECASE,
)
TEMPLATES = sorted(
    each.name
    for each in files("archiver.templates").iterdir()
    if each.name.endswith((".html", ".css", ".txt"))
)
OURS = frozenset(
    re.findall(
        r"\w+",
        """acme sa portal europe paris html csv eml data messages manifest bag info sha256 txt paul conseil
        consultant example marie client hello a short message archiver test rfc sha windows
        withheld custody coverage
        powershell linux macos chronology v2 defect code""",
    )
)
"""Words that come from the values of the test or are names: they need no translation."""


class Masked:
    """Translations into a language that has no letters: what still has some was not translated."""

    def gettext(self, message: str) -> str:
        """Leave only the places of values."""
        return " ".join(("·", *re.findall(r"%\(\w+\)s", message)))

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Likewise."""
        return self.gettext(one if count == 1 else many)


def words_left(template: str) -> set[str]:
    """Render TEMPLATE in the masked language and return the words that are still there."""
    attachments = (Attachment(part="2", name="", type="", size=9, text=None, inline=True),)
    made = dossier(
        view(1, bcc=(US,), attachments=attachments, internaldate=DATE.replace(month=5)),
        view(2, variants=(digest_of(1), digest_of(9)), bcc=(MARIE,)),
        view(3, subject="", text="", readable=False, from_=(), date=None),
        view(4, defects=(Defect("code", "defect"),) * 12, date=DATE.replace(year=1970)),
    )
    values = {"dossier": made, "language": "en", "parts": ()}
    html = render(template, values, words=Masked(), zone=made.time_zone)
    text = re.sub(
        r"<(style|pre)\b.*?</\1>|<[^>]*>|&\w+;|\b[0-9a-f]{32,}\b", " ", html, flags=re.DOTALL
    )
    return set(re.findall(r"[a-zéè]+[a-z0-9éè]*", text.lower()))


@pytest.mark.parametrize("template", ["chronology.html", "readme-part.html"])
def test_every_word_for_users_passes_gettext(template: str) -> None:
    """A word that was forgotten would stay English in a French dossier."""
    assert words_left(template) - OURS == set()


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_claims_what_no_archive_can(name: str) -> None:
    """Alterations are detectable and files verifiable; nothing more is said."""
    assert not FORBIDDEN.search(files("archiver.templates").joinpath(name).read_text("utf-8"))


def test_no_translation_claims_it_either() -> None:
    """In any language that has a catalogue."""
    locale = files("archiver").joinpath("locale")
    folders = [each for each in locale.iterdir() if each.is_dir()] if locale.is_dir() else []
    for folder in folders:
        catalogue = folder.joinpath("LC_MESSAGES", "archiver.po")
        assert not (catalogue.is_file() and FORBIDDEN.search(catalogue.read_text("utf-8")))


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_declares_anything_safe(name: str) -> None:
    """Everything is escaped; nothing is fetched from elsewhere; no script runs."""
    text = files("archiver.templates").joinpath(name).read_text("utf-8")
    assert not re.search(r"\|\s*safe|autoescape|<script|http-equiv=.refresh|https?://", text)


def test_the_style_sheet_needs_no_escaping() -> None:
    """Its bytes on the page are those that the page's policy names."""
    style = files("archiver.templates").joinpath("dossier.css").read_text("utf-8")
    assert "</" not in style
    assert "{{" not in style
    assert "{%" not in style
