"""The main job on a real server, from the mailbox to the dossier: the bytes, the counts, the words.

The same way is walked with mail that we wrote and, in long runs, with 20,000 messages of a public
list.
"""

import hashlib
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from email.utils import parseaddr
from pathlib import Path

import pytest
from accounts import add_account, as_served, fill
from command import Desk, new_desk
from dkim_bodies import matching_bodies, relaxed, simple
from dovecot import DovecotServer
from mail import DEFAULT_DATE, mail
from sampling import sample

from archiver.mailbox.imports.files import NotRead, messages_in
from archiver.model.incoming import Incoming

EXHIBITS = 300
EVERYTHING = ("--limit", "1000000", "--format", "json")
Mailbox = Callable[[Path], list[bytes]]


# --- mailboxes -----------------------------------------------------------------------------------


def our_mails(_corpora: Path) -> list[bytes]:
    """Write two hundred messages in threads of four, LF and CRLF, some signed, one of them twice."""
    mails = [_our_mail(number) for number in range(200)]
    unix = [data.replace(b"\r\n", b"\n") if n % 3 else data for n, data in enumerate(mails)]
    return [*unix, unix[0]]


def _our_mail(number: int) -> bytes:
    first = number - number % 4
    topic = ("livraison", "budget", "acceptance", "migration", "staffing")[number // 4 % 5]
    data = mail(
        subject=f"{'Re: ' if number % 4 else ''}Lot {first} {topic}",
        from_=f"Person {number % 7} <p{number % 7}@{('client', 'third')[number % 7 > 4]}.example>",
        date=DEFAULT_DATE + timedelta(hours=number),
        message_id=f"{number}@client.example",
        in_reply_to=f"{first}@client.example" if number % 4 else "",
        text=f"Bonjour,\n\nle {topic} du lot {first} : étape {number}.\nFrom here on.\n.\n\n\n",
        attachments=[("note.txt", "text/plain", b"figures\n")] if number % 10 == 0 else [],
    )
    return _signed(data) if number % 2 else data


def _signed(data: bytes) -> bytes:
    """Put a signature before DATA whose body hash is right; nobody checks the rest."""
    body = data.partition(b"\r\n\r\n")[2]
    digest = hashlib.sha256(simple(body)).digest()
    encoded = _base64(digest)
    return (
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple;\r\n\tbh=" + encoded + b"\r\n" + data
    )


def _base64(data: bytes) -> bytes:
    import base64

    return base64.b64encode(data)


def list_mails(corpora: Path) -> list[bytes]:
    """Read the messages of a public list."""
    paths = sample(sorted((corpora / "linux-serial").rglob("*.eml")))
    assert paths
    return [path.read_bytes() for path in paths]


# --- the way -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """An archive, and the messages that its mailbox holds, as IMAP serves them."""

    desk: Desk
    served: tuple[bytes, ...]

    @property
    def records(self) -> dict[str, bytes]:
        """The distinct messages by digest."""
        return {hashlib.sha256(data).hexdigest(): data for data in self.served}

    def hits(self, query: str) -> dict[str, dict[str, object]]:
        """Return every hit of a query by its id; the total is exact."""
        answer = self.desk.ok("search", query, *EVERYTHING).json
        hits = {hit["id"]: hit for hit in answer["hits"]}
        assert answer["total"] == len(hits)
        return hits


@pytest.mark.dovecot
@pytest.mark.parametrize(
    "mailbox",
    [
        pytest.param(our_mails, id="generated"),
        pytest.param(list_mails, id="list", marks=[pytest.mark.shared, pytest.mark.long]),
    ],
)
def test_a_mailbox_goes_all_the_way(
    tmp_path: Path,
    dovecot: DovecotServer,
    mailbox_user: str,
    request: pytest.FixtureRequest,
    mailbox: Mailbox,
) -> None:
    """Sync, again, search, dossier, verify, rebuild: what went in comes out, to the byte."""
    real = mailbox is list_mails
    mails = mailbox(request.getfixturevalue("corpora") if real else tmp_path)
    fill(dovecot, mailbox_user, mails)
    desk = new_desk(tmp_path / "archive", time_zone="UTC")
    add_account(desk, dovecot, mailbox_user)
    work = Work(desk, tuple(as_served(data) for data in mails))
    sync_keeps_every_byte(work)
    a_second_sync_fetches_nothing(work)
    words_of_subjects_are_found(work)
    engagements_are_tied(work)
    a_dossier_holds_the_exact_bytes(work, tmp_path / "dossier")
    verify_finds_nothing(work)
    a_rebuild_gives_the_same_answers(work)


def sync_keeps_every_byte(work: Work) -> None:
    """Each distinct message is one record, each place a sighting; bodies match their signatures."""
    work.desk.ok("sync")
    status = work.desk.ok("status", "--format", "json").json
    counts = [status[key] for key in ("records", "journal", "catalogue", "index")]
    assert counts == [len(work.records)] * 4
    assert any(any(matching_bodies(data)) for data in work.served)
    for digest, data in work.records.items():
        kept = (work.desk.root / "objects" / digest[:2] / digest).read_bytes()
        assert kept == data
        assert matching_bodies(kept) == matching_bodies(data)
    for digest in random.Random(1).sample(sorted(work.records), 20):
        assert work.desk.ok("show", digest, "--raw").raw == work.records[digest]
    assert set(work.hits("*")) == set(work.records)


def a_second_sync_fetches_nothing(work: Work) -> None:
    """Nothing is kept, nothing is known already: nothing was asked for."""
    entries = work.desk.ok("status", "--format", "json").json["entries"]
    assert work.desk.ok("-v", "sync").err.strip() == "work: 0 new records"
    assert work.desk.ok("status", "--format", "json").json["entries"] == entries


def words_of_subjects_are_found(work: Work) -> None:
    """Every message with the word is found, and no message whose subject has nothing like it."""
    by_word: dict[str, set[str]] = {}
    for digest, subject in _plain_subjects(work):
        for word in subject.lower().split():
            if word.isalpha() and len(word) > 4:
                by_word.setdefault(word, set()).add(digest)
    for word in random.Random(2).sample(sorted(by_word), min(15, len(by_word))):
        found = work.hits(f"subject:{word}")
        assert by_word[word] <= set(found), word
        for hit in found.values():
            assert word[:3] in str(hit["subject"]).lower(), word
    assert work.hits("subject:xyzzyplugh") == {}


def _plain_subjects(work: Work) -> Iterator[tuple[str, str]]:
    for digest, data in work.records.items():
        subject = _header(data, "Subject")
        if subject.isascii() and "=?" not in subject:
            yield digest, subject


def _header(data: bytes, name: str) -> str:
    head = data.partition(b"\r\n\r\n")[0]
    return str(message_from_bytes(head + b"\r\n\r\n").get(name, ""))


def engagements_are_tied(work: Work) -> None:
    """One by the commonest domain, one by its commonest person, who now fits both."""
    people = Counter(parseaddr(_header(data, "From"))[1].lower() for data in work.served)
    domains: Counter[str] = Counter()
    for address, count in people.items():
        domains[address.partition("@")[2]] += count
    add = ("engagement", "add")
    domain = next(
        domain
        for domain, _count in domains.most_common()
        if work.desk(*add, "main", "--client", "Main", "--domain", domain).code == 0
    )
    person = next(address for address, _count in people.most_common() if address.endswith(domain))
    work.desk.ok(*add, "other", "--client", "Other", "--person", person)
    tagged, undecided = work.hits("engagement:main"), work.hits("is:undecided")
    by_domain = {
        digest
        for digest, data in work.records.items()
        if parseaddr(_header(data, "From"))[1].lower().endswith("@" + domain)
    }
    assert tagged
    assert undecided
    assert by_domain <= set(tagged) | set(undecided)
    work.desk.ok("tag", "other", next(iter(undecided)))


def a_dossier_holds_the_exact_bytes(work: Work, folder: Path) -> None:
    """``sha256sum -c`` accepts it; every message is one that was served, signatures as before."""
    newest = list(work.hits("engagement:main").values())[:EXHIBITS]
    since = str(newest[-1]["date"])[:10]
    chosen = work.hits(f"engagement:main date:{since}..")
    assert len(chosen) >= len(newest)
    work.desk.ok("dossier", "main", "--after", since, "--output", folder, "--yes")
    files = {path.name: path.read_bytes() for path in (folder / "data/messages").iterdir()}
    digests = {hashlib.sha256(data).hexdigest(): data for data in files.values()}
    assert set(digests) == set(chosen)
    for digest, data in digests.items():
        assert data == work.records[digest]
        assert matching_bodies(data) == matching_bodies(work.records[digest])
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        check_manifest(folder, manifest)


def check_manifest(folder: Path, manifest: str) -> None:
    """Check with the tool that a lawyer's expert would take."""
    if shutil.which("sha256sum") is None:
        for line in (folder / manifest).read_text().splitlines():
            digest, name = line.split("  ", 1)
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        return
    subprocess.run(["sha256sum", "-c", "--quiet", "--strict", manifest], cwd=folder, check=True)


def verify_finds_nothing(work: Work) -> None:
    """Every byte is read."""
    report = work.desk.ok("verify", "--read-data=all", "--format", "json").json
    assert report["findings"] == []
    assert report["checked"]["objects-read"] >= len(work.records)


def a_rebuild_gives_the_same_answers(work: Work) -> None:
    """Catalogue and index are derived: without them, the same bytes come out of every command."""
    some = sorted(work.records)[:: len(work.records) // 3][:3]
    word = max(_header(work.records[some[0]], "Subject").split(), key=len, default="x")
    questions: list[tuple[str, ...]] = [
        ("search", "*", "--limit", "200", "--format", "json"),
        ("search", "*", "--format", "csv"),
        ("search", f"'{word}'", "--sort", "relevance", "--format", "json"),
        ("search", "from:p* OR from:a*", "--format", "jsonl"),
        ("search", "engagement:main NOT is:untagged", "--format", "json"),
        ("search", "engagement:none", "--format", "json"),
        ("search", "folder:work/INBOX has:attachment", "--format", "json"),
        ("search", "xyzzyplugh", "--format", "json"),
        *(("show", digest, "--format", "json") for digest in some),
        *(("thread", digest, "--format", "json") for digest in some),
        ("show", some[0]),
        ("status", "--format", "json"),
        ("triage", "--format", "json"),
        ("engagement", "list", "--format", "json"),
        ("engagement", "show", "main"),
    ]
    before = [work.desk.ok(*question).raw for question in questions]
    (work.desk.root / "catalogue.sqlite").unlink()
    shutil.rmtree(work.desk.root / "search")
    work.desk.ok("rebuild")
    for question, answer in zip(questions, before, strict=True):
        assert work.desk.ok(*question).raw == answer, question


# --- imports -------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize("name", ["mime", pytest.param("business", marks=pytest.mark.long)])
def test_every_file_of_a_folder_is_kept_or_named(tmp_path: Path, corpora: Path, name: str) -> None:
    """Nothing stops the import, and nothing is skipped in silence."""
    folder = copied(corpora / name, tmp_path / name)
    outcomes = list(messages_in(folder))
    kept = {hashlib.sha256(one.data).hexdigest() for one in outcomes if isinstance(one, Incoming)}
    refused = [one for one in outcomes if isinstance(one, NotRead)]
    assert kept
    assert {str(path) for path in folder.rglob("*") if path.is_file()} == paths_of(outcomes)
    for path in folder.rglob("*.eml" if name == "mime" else "*.txt"):
        assert forms(path.read_bytes()) & kept, path
    desk = new_desk(tmp_path / "archive")
    said = desk("-v", "import", folder)
    assert said.code == (3 if any(not one.no_mail for one in refused) else 0)
    for one in refused:
        assert (one.path if one.no_mail else f"{one.path}: {one.reason}") in said.err
    status = desk.ok("status", "--format", "json").json
    counts = [status[key] for key in ("records", "journal", "catalogue", "index")]
    assert counts == [len(kept)] * 4
    assert {hit["id"] for hit in desk.ok("search", "*", *EVERYTHING).json["hits"]} == kept
    assert desk.ok("verify", "--read-data=all", "--format", "json").json["findings"] == []
    for digest in random.Random(3).sample(sorted(kept), min(30, len(kept))):
        desk.ok("show", digest, "--format", "json")


def test_an_import_names_what_it_passed_over(tmp_path: Path) -> None:
    """Pictures are counted, and named with ``-v``; the mail among them is kept."""
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "0.eml").write_bytes(mail())
    pictures = [tmp_path / "mail" / f"{number}.png" for number in range(25)]
    for picture in pictures:
        picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    desk = new_desk(tmp_path / "archive")
    assert "25 files were passed over" in desk.ok("import", tmp_path / "mail").err
    said = desk.ok("-v", "import", tmp_path / "mail")
    assert [str(path) in said.err for path in pictures] == [True] * 25
    assert desk.ok("status", "--format", "json").json["records"] == 1


def copied(source: Path, folder: Path) -> Path:
    """Copy the files of SOURCE, or the sample that was asked for, under their own names."""
    for path in sample(sorted(path for path in source.rglob("*") if path.is_file())):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def forms(data: bytes) -> set[str]:
    """Return the digests of a file that holds one message: as it stands, and as an mbox of one."""
    _from, _newline, rest = data.partition(b"\n")
    unquoted = re.sub(rb"^>(>*From )", rb"\1", rest, flags=re.MULTILINE)
    one = (rest, unquoted) if data.startswith(b"From ") else ()
    shorter = [form.removesuffix(b"\n") for form in one]
    return {hashlib.sha256(form).hexdigest() for form in (data, *one, *shorter)}


def paths_of(outcomes: list[Incoming | NotRead]) -> set[str]:
    """Return the files that OUTCOMES speak of."""
    return {one.path if isinstance(one, NotRead) else str(one.source.path) for one in outcomes}


# --- the oracle ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("canonical", "wanted"),
    [
        (simple(b""), b"frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="),
        (relaxed(b""), b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        (
            simple(b"Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n"),
            b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=",
        ),
    ],
)
def test_body_hashes_are_those_of_the_standard(canonical: bytes, wanted: bytes) -> None:
    """RFC 6376: the empty bodies of sections 3.4.3 and 3.4.4, the mail of appendix A.2."""
    assert _base64(hashlib.sha256(canonical).digest()) == wanted


def test_relaxed_bodies_lose_white_space_only() -> None:
    """RFC 6376, section 3.4.5."""
    assert relaxed(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"


def test_a_changed_byte_is_seen() -> None:
    """Else the oracle would say yes to anything."""
    data = _signed(mail())
    assert matching_bodies(data) == (True,)
    assert matching_bodies(data.replace(b"short message", b"shorn message")) == (False,)
    assert matching_bodies(mail()) == ()
