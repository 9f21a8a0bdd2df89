"""The chronology as a page and as a table."""

import csv
import io
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dossiers import FACTS, MATTER, dossier
from hypothesis import given, settings
from hypothesis import strategies as st
from views import DATE, MARIE, US, digest_of, view

from archiver.dossier.chronology import render_chronology, render_readme, render_table
from archiver.dossier.exhibits import ArchiveFacts, Dossier, Selection
from archiver.dossier.matter import Matter
from archiver.dossier.pages import in_zone, long_date, span, stamp, translations
from archiver.model.reading import Attachment, Defect, Mailbox

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}{% raw %}'
TAGS = frozenset(
    re.findall(
        r"\w+",
        """html head meta title style body header main nav section article h1 h2 h3 p a span bdi
        dl dt dd ul li table thead tbody tr th td details summary div blockquote b em br code pre""",
    )
)
"""All that a page of ours is made of."""


class Page(HTMLParser):
    """What a browser would make of a page: its tags, attributes, and words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self._words: list[str] = []
        self._style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a tag."""
        self._style = tag == "style"
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        """Leave the style sheet."""
        self._style = self._style and tag != "style"

    def handle_data(self, data: str) -> None:
        """Take note of words."""
        if not self._style:
            self._words.append(data)

    @property
    def words(self) -> str:
        """All words, single spaces between them."""
        return " ".join(" ".join(self._words).split())


def page(made: Dossier) -> Page:
    """Render and parse the chronology."""
    return Page(render_chronology(made))


def words(made: Dossier) -> str:
    """Return the words of the chronology."""
    return page(made).words


def test_an_exhibit_shows_its_facts() -> None:
    """Number, date with offset, people with sides, subject, size, digest, link to the file."""
    made = page(dossier(view(7, subject="Lot 2", cc=(Mailbox("", "x@else.example"),))))
    assert "ACME-2026-000001 2 March 2026, 10:30 (+01:00)" in made.words
    assert "Marie Client <marie@client.example> client" in made.words
    assert "Paul Conseil <paul@consultant.example> us" in made.words
    assert "<x@else.example> party unknown" in made.words
    assert f"(8 bytes, journal entry 7) SHA-256 {digest_of(7).hex}" in made.words
    assert "messages/ACME-2026-000001.eml" in made.links
    assert "ACME-2026-000001" in made.ids


def test_an_exhibit_says_which_date_orders_it() -> None:
    """Here the server's, because the message has none."""
    told = words(dossier(view(date=None, internaldate=DATE)))
    assert "The message has no readable Date header." in told
    assert (
        "2026-03-02 09:30:00 +00:00 arrival noted by the mail server (INTERNALDATE)"
        " (orders this chronology)" in told
    )


def test_a_date_header_that_is_not_plausible_is_shown_and_not_used() -> None:
    """The first year of the calendar, where time zones fail."""
    odd = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    told = words(dossier(view(date=odd)))
    assert "0001-01-01 00:00:00 +14:00 Date header The Date header is not plausible" in told


def test_dates_that_disagree_are_marked_in_the_list_and_at_the_exhibit() -> None:
    """With the difference in words."""
    told = words(dossier(view(internaldate=DATE + timedelta(days=3, hours=2))))
    assert "2026-03-02 10:30 +01:00 dates differ" in told
    assert "the Date header is 3 days 2 hours earlier than this date: arrival noted" in told


def test_times_are_shown_in_the_zone_of_the_archive() -> None:
    """With the summer's offset in summer."""
    told = words(dossier(view(date=datetime(2026, 5, 31, 22, 30, tzinfo=UTC))))
    assert "June 2026" in told
    assert "2026-06-01 00:30 +02:00" in told


def test_attachments_are_listed_with_their_sizes() -> None:
    """File names that reorder letters are shown for what they are."""
    file = Attachment(
        part="2", name="a\u202efdp.exe", type="application/pdf", size=48213, text=None
    )
    told = words(dossier(view(attachments=(file,))))
    assert "a[U+202E]fdp.exe application/pdf, 48\u202f213 bytes".replace("\u202f", " ") in told


def test_copies_are_listed_under_their_exhibit() -> None:
    """Each with its file and digest; those left out are named too."""
    made = page(dossier(view(1, variants=(digest_of(2), digest_of(3))), view(2, bcc=(US,))))
    assert "messages/ACME-2026-000001.v2.eml" in made.links
    assert f"SHA-256 {digest_of(2).hex} Bcc: Paul Conseil" in made.words
    assert f"Copies not in this dossier {digest_of(3).hex}" in made.words


def test_an_unreadable_record_is_an_exhibit_all_the_same() -> None:
    """Nothing is skipped in silence."""
    made = view(readable=False, subject="", from_=(), text="", defects=(Defect("x", "no header"),))
    told = words(dossier(made))
    assert "This message could not be read" in told
    assert "Not understood x no header" in told


def test_the_page_says_how_the_records_were_chosen() -> None:
    """A declared selection: what was asked, and how many records it left out."""
    chosen = Selection(query="from:marie", first=DATE.date(), last=DATE.date(), left_out=3)
    told = words(dossier(view(), selection=chosen))
    assert "that answer the search from:marie from 2026-03-02 on up to 2026-03-02, that day" in told
    assert "3 records of the engagement were left out by this selection." in told
    assert "every record of the engagement" in words(dossier(view()))


def test_the_page_says_what_it_does_not_establish_and_since_when_the_archive_exists() -> None:
    """The list of evidence, in plain words."""
    told = words(dossier(view()))
    for limit in ("who typed", "is true", "anything else", "did not place", "is missing"):
        assert limit in told.partition("What this dossier does not establish")[2]
    assert "The archive was begun on 1 January 2026" in told


def test_facts_that_are_not_known_are_not_printed() -> None:
    """No empty line, no invented value."""
    told = words(dossier(view(), archive=ArchiveFacts(software="archiver/test")))
    assert "begun" not in told
    assert FACTS.archive_id not in told
    assert FACTS.archive_id in words(dossier(view()))


def test_hostile_mail_stays_text() -> None:
    """In every place that a sender, or a careless engagement file, can write to."""
    evil = Mailbox(HOSTILE, HOSTILE)
    file = Attachment(part=HOSTILE, name=HOSTILE, type=HOSTILE, size=1, text=HOSTILE)
    matter = Matter(slug=HOSTILE, client=HOSTILE, title=HOSTILE, us=MATTER.us)
    made = page(
        dossier(
            view(
                from_=(evil,),
                to=(evil,),
                cc=(evil,),
                bcc=(evil,),
                subject=HOSTILE,
                text=f"{HOSTILE}\n> {HOSTILE}",
                attachments=(file,),
                defects=(Defect(HOSTILE, HOSTILE),),
                tags=((HOSTILE, HOSTILE),),
            ),
            matter=matter,
            selection=Selection(query=HOSTILE),
        )
    )
    assert made.tags <= TAGS
    assert not {name for name in made.attributes if name.startswith("on") or name == "src"}
    assert "{{ 7*7 }}" in made.words


@settings(max_examples=15, deadline=None)
@given(
    st.text("<>&\"'{}%#=-/ scriptonload\u202e\n", max_size=60),
    st.text(st.characters(exclude_categories=()), max_size=60),
)
def test_whatever_mail_says_the_page_keeps_its_shape(subject: str, name: str) -> None:
    """Only our tags, and nothing that reorders the line."""
    made = dossier(view(subject=subject, text=name, from_=(Mailbox(name, subject),)))
    html = render_chronology(made)
    html.encode()
    assert Page(html).tags <= TAGS
    assert "\u202e" not in html


def test_a_text_of_megabytes_is_cut_on_the_page() -> None:
    """The page says where the whole is."""
    html = render_chronology(dossier(view(text="long " * 1_000_000)))
    assert len(html) < 100_000
    assert "The text is cut here; the whole stands in the file." in html


def test_the_page_asks_for_nothing_from_outside() -> None:
    """Its links lead to its own parts and to the exhibits beside it; its policy allows no more."""
    html = render_chronology(dossier(view(text='http://evil.example <img src="http://x.example">')))
    made = Page(html)
    assert all(re.fullmatch(r"#[\w.-]+|messages/[\w.-]+\.eml", link) for link in made.links)
    assert "default-src 'none'; style-src 'sha256-" in html
    assert "url(" not in html
    assert "@import" not in html


def test_the_readme_speaks_both_languages() -> None:
    """The dossier's own first."""
    html = render_readme(dossier(view(), language="fr"))
    assert re.findall(r'<section lang="(..)">', html) == ["fr", "en"]
    assert html.count("sha256sum -c manifest-sha256.txt") == 2
    assert Page(html).tags <= TAGS


def test_the_words_are_loaded_for_the_language_of_the_dossier() -> None:
    """Without a catalogue of ours the words stay English."""
    assert translations("en").gettext("no such words") == "no such words"
    assert translations("fr").gettext("no such words") == "no such words"


def test_spans_are_told_in_days_and_hours() -> None:
    """No nought days, and never nothing."""
    english = translations("en")
    told = [span(timedelta(hours=hours), english) for hours in (0, 1, 24, 75, 24 * 1000)]
    assert told == ["0 hours", "1 hour", "1 day", "3 days 3 hours", "1\u202f000 days"]


def test_dates_at_the_ends_of_the_calendar_do_not_fail() -> None:
    """A Date header may say anything that a calendar holds."""
    paris = ZoneInfo("Europe/Paris")
    last = datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12)))
    assert in_zone(last, paris) is last
    assert stamp(last, paris) == "9999-12-31 23:59 -12:00"
    assert long_date(last, translations("en")) == "31 December 9999, 23:59 (-12:00)"


def rows(made: Dossier, delimiter: str = ",") -> list[dict[str, str]]:
    """Read the table as a spreadsheet would."""
    text = render_table(made)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), delimiter=delimiter))


def test_the_table_has_a_row_for_each_file() -> None:
    """Copies too, each with its own people and digest."""
    made = rows(dossier(view(1, variants=(digest_of(2),)), view(2, to=(MARIE,))))
    assert [row["file"] for row in made] == [
        "messages/ACME-2026-000001.eml",
        "messages/ACME-2026-000001.v2.eml",
    ]
    assert made[1]["to"] == "Marie Client <marie@client.example>"
    assert made[0]["date"] == "2026-03-02T10:30:00+01:00"
    assert made[0]["sha256"] == digest_of(1).hex


def test_a_french_table_opens_in_a_french_spreadsheet() -> None:
    """Cells are divided by semicolons there."""
    (row,) = rows(dossier(view(subject="a;b"), language="fr"), ";")
    assert row["subject"] == "a;b"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r\n=", "\uff1d"])
def test_no_cell_is_a_formula(start: str) -> None:
    """A subject such as =HYPERLINK(…) is shown, not run."""
    (row,) = rows(dossier(view(subject=f"{start}cmd|' /C calc'!A0")))
    assert row["subject"][0] == "'"


@pytest.mark.chromium
def test_chromium_shows_and_prints_the_page(tmp_path: Path) -> None:
    """Every exhibit is there, no script ran, and the text is open on paper."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium (Debian package chromium)")
    many = [view(n, date=DATE + timedelta(hours=n), subject=HOSTILE) for n in range(1, 301)]
    source = tmp_path / "chronology.html"
    source.write_text(render_chronology(dossier(*many)), "utf-8")
    pdf = tmp_path / "chronology.pdf"
    dom = browse(chromium, tmp_path, source, "--dump-dom")
    browse(chromium, tmp_path, source, "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    made = Page(dom)
    assert made.ids.count("ACME-2026-000300") == 1
    assert made.tags <= TAGS
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert pdf.stat().st_size > 300_000


def browse(chromium: str, folder: Path, source: Path, *what: str) -> str:
    """Run Chromium once over a page, without network or a profile of its own."""
    off = ("background-networking", "component-update", "gpu", "quic", "sync")
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [chromium, "--headless", "--no-sandbox", "--no-first-run", profile]
    done = subprocess.run(
        [*command, *(f"--disable-{each}" for each in off), *what, source.as_uri()],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout
