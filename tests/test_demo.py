"""The demonstration: its mails are well made, and its server serves them exactly."""

import hashlib
import itertools
import sys
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "demo").is_dir():
    pytest.skip("the demonstration is tested on the checkout", allow_module_level=True)
pytest.importorskip("pymap", reason="the demonstration needs pymap: pip install -e '.[demo]'")
sys.path.insert(0, str(ROOT))

import imapclient  # noqa: E402 - after the demonstration was made importable

from demo import mime, run  # noqa: E402 - as above
from demo.build import folders, mailbox, write  # noqa: E402 - as above
from demo.pdf import pdf  # noqa: E402 - as above
from demo.server import HOST, PASSWORD, USER, running  # noqa: E402 - as above
from demo.story import people, story  # noqa: E402 - as above

CLIENT = ("meridien-logistique.example", "meridian-group.example")


def headers(name: str) -> list[str]:
    """Return field NAME of each mail of the mailbox."""
    return [str(message_from_bytes(each.data)[name]) for each in mailbox()]


def test_about_eighty_mails_over_nine_months_tell_the_engagement() -> None:
    """The story is long enough to be lost in, and ends in the dispute."""
    told = [mail for mail in story() if mail.folder not in {"Junk", "Drafts"}]
    ours = [mail for mail in told if "BALISE" in mail.subject or mail.from_.domain in CLIENT]
    assert 70 <= len(ours) <= 90
    assert (told[-1].date - told[0].date).days > 270


def test_both_sides_and_both_languages_are_heard() -> None:
    """Us, the client and a third party write, in French and in English."""
    voices = Counter((mail.from_.domain, mail.from_.language) for mail in story())
    assert voices["meridien-logistique.example", "fr"] > 15
    assert voices["meridian-group.example", "en"] > 5
    assert voices["norvik-systems.example", "en"] > 3


def test_everybody_lives_at_a_reserved_domain() -> None:
    """No mail of the demonstration can name a real address (RFC 2606)."""
    assert all(person.domain.endswith(".example") for person in people().values())


def test_lines_end_in_crlf_and_stay_within_the_limit() -> None:
    """The mails are as they travel (RFC 5322, section 2.1.1)."""
    for each in mailbox():
        lines = each.data.split(b"\r\n")
        assert b"\n" not in each.data.replace(b"\r\n", b""), each.name
        assert max(map(len, lines)) <= 998, each.name


def test_the_standard_library_finds_no_defect() -> None:
    """Each part of each mail is well formed."""
    for each in mailbox():
        message = message_from_bytes(each.data, policy=policy.default)
        assert not list(itertools.chain.from_iterable(part.defects for part in message.walk()))


def test_the_same_bytes_are_made_each_time() -> None:
    """Message identifiers, dates and boundaries are fixed."""

    def digest() -> str:
        return hashlib.sha256(b"".join(each.data for each in mailbox())).hexdigest()

    assert digest() == digest()
    assert len(set(headers("Message-ID"))) == len(story())


def test_answers_name_what_they_answer() -> None:
    """In-Reply-To and References lead to mails of the mailbox."""
    known = set(headers("Message-ID"))
    named = [name for value in headers("References") if value != "None" for name in value.split()]
    assert set(named) <= known
    assert len(named) > 40


def test_a_hidden_copy_is_named_in_the_sent_mail_only() -> None:
    """The Bcc field does not travel; both copies are in the mailbox."""
    copies = {each.folder: each.data for each in mailbox() if each.name == "alerte-2"}
    assert b"\r\nBcc: " in copies["Sent"]
    assert b"\r\nBcc: " not in copies["INBOX"]


def test_every_attachment_is_sent_by_somebody() -> None:
    """No file of the demonstration lies unused."""
    sent = {name for mail in story() for name in mail.attachments}
    files = {
        path.name.removesuffix(".txt") if ".pdf" in path.name else path.name
        for path in (ROOT / "demo" / "attachments").iterdir()
    }
    assert sent == files


def test_a_made_pdf_finds_its_own_objects() -> None:
    """Its table says where each object starts (ISO 32000-1, section 7.5.4)."""
    data = pdf("Page (1)\n" + "ligne\n" * 60, title="Été")
    start = int(data.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    rows = data[start:].split(b"\n")[3:]
    for number, row in enumerate(itertools.takewhile(lambda row: row.endswith(b"n "), rows), 1):
        assert data[int(row[:10]) :].startswith(f"{number} 0 obj".encode())


def test_a_long_recipient_list_is_folded() -> None:
    """Header lines stay readable (RFC 5322, section 2.1.1: 78 characters)."""
    value = mime.mailboxes([f"person{n}@client.example" for n in range(9)], after=2)
    assert max(map(len, value.split("\r\n"))) <= 78
    assert value.count("@") == 9


def test_a_file_name_beyond_ascii_is_encoded() -> None:
    """RFC 2231 carries it."""
    data = mime.attachment(b"x", type_="text/plain", name="résumé.txt")
    assert message_from_bytes(data).get_filename() == "résumé.txt"


def test_mails_can_be_written_as_files(tmp_path: Path) -> None:
    """To look at, or to import."""
    assert write(tmp_path) == len(list(tmp_path.rglob("*.eml"))) == len(mailbox())


def test_the_server_gives_back_the_exact_bytes() -> None:
    """Each folder, each message, each date, through a real client."""
    with running() as port:
        client = imapclient.IMAPClient(HOST, port, ssl=False)
        client.login(USER, PASSWORD)
        for folder in folders():
            client.select_folder(folder, readonly=True)
            got = client.fetch(client.search(), ["BODY.PEEK[]", "INTERNALDATE"])
            want = [each for each in mailbox() if each.folder == folder]
            assert [got[uid][b"BODY[]"] for uid in sorted(got)] == [each.data for each in want]
            dates = [got[uid][b"INTERNALDATE"] for uid in sorted(got)]
            assert [date.timestamp() for date in dates] == [
                each.internaldate.timestamp() for each in want
            ]
        client.logout()


def test_a_port_that_is_taken_is_no_obstacle() -> None:
    """The second server takes any free one."""
    with running() as first, running(first) as second:
        assert first != second


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """Only what the demonstration made is made afresh; the error says what to do."""
    folder = tmp_path / "demo-archive"
    folder.mkdir()
    (folder / "precious").touch()
    with pytest.raises(run.DemoError, match=r"was not made by the demonstration.*Move it away"):
        run.clear(folder)
    assert (folder / "precious").exists()


def test_the_demonstrations_own_folder_is_made_afresh(tmp_path: Path) -> None:
    """The mark allows it."""
    folder = tmp_path / "demo-archive"
    run.mark(folder)
    run.clear(folder)
    assert not folder.exists()
    run.clear(folder)  # a folder that does not exist is no obstacle


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    """A link to a marked folder is left alone as well."""
    run.mark(tmp_path / "elsewhere")
    (tmp_path / "demo-archive").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(run.DemoError):
        run.clear(tmp_path / "demo-archive")


@pytest.mark.long
def test_the_whole_demonstration_runs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Twice, since the second one starts afresh; it leaves a dossier to look at."""
    for _attempt in range(2):
        run.Demo(tmp_path).run()
    assert (tmp_path / run.DOSSIER / "data" / "chronology.html").is_file()
    said = capfd.readouterr()
    assert "Warning" not in said.out + said.err
