"""What a proof gathers, what stands on disk, and what it does not tell."""

import base64
import json
import re
import shutil
import subprocess
from datetime import UTC, timedelta
from html import unescape
from pathlib import Path

import pytest
from authority import LocalAuthority, missing
from evidence_case import ReadOnlyDisk, reopen
from proofs import ACCOUNT, FOLDER, OTHER_SUBJECT, House, pinned, verify
from test_templates import Masked
from tree_proofs import open_proof

from archiver.dossier.pages import render_part
from archiver.dossier.proof.collect import collect
from archiver.dossier.proof.folder import contents, hand_over, write
from archiver.errors import OperationError, UsageError
from archiver.evidence.journal.codec import decode
from archiver.model.digest import Digest, Position
from archiver.model.entries import Export

NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?")
COMMANDS = re.compile(r'<pre data-system="(\w+)">(.*?)</pre>', re.DOTALL)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """Make a time-stamp authority, or skip by name."""
    if reason := missing():
        pytest.skip(reason)
    return LocalAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def house(local: LocalAuthority, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Make an archive of records that were dated at three moments."""
    house = House(tmp_path_factory.mktemp("house"), local)
    first, second = house.keep("Delivery", OTHER_SUBJECT, text="The text of nobody's business.\n")
    house.originate(first)
    house.originate(second, b"another DNS answer")
    for subject in ("One", "Two", "Three"):
        house.stamp("first", "second")
        house.keep(subject)
    house.sign()
    return house


RECORD = Position(2)


def held(house: House) -> dict[str, bytes]:
    """Return the files of the first record's proof."""
    return contents(house.prove(RECORD), language="en")


def test_a_proof_holds_exactly_these_files(tmp_path: Path) -> None:
    """Names made of A-Z a-z 0-9 . _ - only."""
    house = House(tmp_path)
    (record,) = house.keep("Delivery")
    house.originate(record)
    house.sign()
    assert sorted(contents(house.prove(record), language="en")) == [
        "README.html",
        "checkpoints/7.note",
        "entry.json",
        "keys/6.json",
        "keys/6.tlog-proof",
        "keys/log.vkey",
        "manifest-sha256.txt",
        "origin/4.dns",
        "origin/4.json",
        "origin/4.tlog-proof",
        "origin/5.json",
        "origin/5.tlog-proof",
        "record.eml",
        "record.tlog-proof",
        "verify.py",
    ]


def test_every_name_is_plain(house: House) -> None:
    """As in a dossier; each stamp with its answer, root, entry and proof."""
    names = list(held(house))
    assert all(NAME.fullmatch(name) for name in names)
    stamps = {name.partition("-")[2] for name in names if name.startswith("stamps/")}
    suffixes = ("json", "pem", "tlog-proof", "tsr")
    assert stamps == {f"{which}.{suffix}" for which in ("first", "second") for suffix in suffixes}


def test_the_record_and_its_entry_are_the_very_bytes(house: House) -> None:
    """Nothing is written anew."""
    files = held(house)
    digest = house.evidence.record(RECORD).object
    assert files["record.eml"] == house.evidence.read(digest)
    assert files["entry.json"] == house.evidence.raw_entry(RECORD)


def test_the_record_is_proved_in_the_first_checkpoint_that_was_dated(house: House) -> None:
    """Not in today's: it would be dated today. The last dated one and the last of all follow."""
    proof = house.prove(RECORD)
    sizes = sorted({anchor.size for anchor in _anchors(house)})
    assert proof.checkpoints == (sizes[0], sizes[-1], house.evidence.size)
    assert len(sizes) == 3
    files = dict(proof.files)
    note = files[f"checkpoints/{proof.first}.note"]
    assert files["record.tlog-proof"].endswith(b"\n\n" + note)
    key = next(iter(_keys(house)))
    index, checkpoint = open_proof(files["record.tlog-proof"], files["entry.json"], [key])
    assert (index, checkpoint.size) == (RECORD, sizes[0])


def test_a_record_kept_later_is_dated_later(house: House) -> None:
    """Each in the first dated checkpoint that contains it."""
    sizes = sorted({anchor.size for anchor in _anchors(house)})
    positions = range(sizes[0], sizes[1])
    (later,) = [
        at for at in positions if b'"type":"record"' in house.evidence.raw_entry(Position(at))
    ]
    assert house.prove(Position(later)).first == sizes[1]


def test_a_record_that_no_checkpoint_contains_is_told(house: House) -> None:
    """It was kept after the last one was signed."""
    (late,) = house.keep("Too late")
    with pytest.raises(OperationError) as caught:
        house.prove(late)
    assert caught.value.what.startswith("No signed checkpoint contains the record ")
    assert "archiver key show" in caught.value.advice
    house.sign()
    assert not house.prove(late).first_stamps


def test_the_same_state_makes_the_same_bytes(house: House, tmp_path: Path) -> None:
    """No date of the export, no random name."""
    for name in ("one", "two"):
        write(house.prove(RECORD), tmp_path / name, language="fr")
    one, two = (
        {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two


def test_a_proof_tells_nothing_of_accounts_folders_and_other_records(house: House) -> None:
    """Neither in plain text nor in base64, nor in the leaves: each entry is salted."""
    other = house.evidence.record(Position(4))
    secrets = {ACCOUNT, FOLDER, "imap.example", OTHER_SUBJECT, "another DNS answer", "test_proof"}
    needles = {secret.encode() for secret in secrets}
    needles |= {other.object.hex.encode(), bytes.fromhex(other.object.hex)}
    for name, data in held(house).items():
        words = re.findall(rb"[A-Za-z0-9+/]{16,}={0,2}", data)
        decoded = [data, *(base64.b64decode(word + b"=" * (-len(word) % 4)) for word in words)]
        decoded += [each.hex().encode() for each in decoded]
        for needle in needles:
            assert not any(needle in each for each in decoded), (name, needle)


def test_the_entry_of_a_record_says_these_things_only(house: House) -> None:
    """What was kept and when; not where it came from."""
    entry = json.loads(held(house)["entry.json"])
    assert sorted(entry) == ["actor", "at", "kind", "object", "salt", "size", "sw", "type", "v"]


def test_a_time_stamp_that_is_damaged_is_left_out_and_told(
    local: LocalAuthority, tmp_path: Path
) -> None:
    """The next one dates the record then; nothing that does not hold goes out."""
    house = House(tmp_path, local)
    (record,) = house.keep("Delivery")
    house.stamp()
    house.keep("Another")
    house.stamp()
    first = house.prove(record).first
    path = tmp_path / "archive" / "journal" / "stamps" / f"{first}-local.tsr"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    proof = house.prove(record)
    assert proof.first > first
    assert [words.partition(" is left out")[0] for words in proof.left_out] == [
        f"The time-stamp of local on {first} entries"
    ]


def test_a_checkpoint_that_is_damaged_stops_the_proof(tmp_path: Path) -> None:
    """With what to do next."""
    house = House(tmp_path)
    (record,) = house.keep("Delivery")
    house.sign()
    size = house.prove(record).first
    note = tmp_path / "archive" / "journal" / "checkpoints" / f"{size}.note"
    note.write_bytes(note.read_bytes().replace(b"\n\n", b"\nx\n\n"))
    with pytest.raises(OperationError, match="does not hold") as caught:
        house.prove(record)
    assert "archiver verify" in caught.value.advice


def test_an_entry_that_is_no_record_cannot_be_proved(house: House) -> None:
    """A position names it, which only a program gives."""
    with pytest.raises(OperationError, match="there is no record"):
        collect(house.evidence, Position(0))


def test_the_export_is_journalled_before_the_folder_has_its_name(
    house: House, tmp_path: Path
) -> None:
    """With the recipient and the manifest's digest, and no engagement."""
    written = hand_over(
        house.evidence,
        house.prove(RECORD),
        tmp_path / "proof",
        language="en",
        recipient="Me Example",
        actor="person:test",
    )
    last = Position(house.evidence.size - 1)
    entry = decode(last, house.evidence.raw_entry(last))
    manifest = Digest.of((tmp_path / "proof" / "manifest-sha256.txt").read_bytes())
    assert entry.payload == Export(
        engagement="", numbers=((1, RECORD),), manifest=manifest, recipient="Me Example"
    )
    assert entry.actor == "person:test"
    assert written.manifest == manifest
    assert written.files == len(held(house))


def test_nothing_is_left_when_the_export_cannot_be_journalled(house: House, tmp_path: Path) -> None:
    """Neither the folder nor the one that it was made in."""

    def fail(_manifest: Digest) -> None:
        raise OperationError("No.", advice="None.")

    with pytest.raises(OperationError):
        write(house.prove(RECORD), tmp_path / "proof", language="en", confirm=fail)
    assert list(tmp_path.iterdir()) == []


def test_no_proof_goes_inside_the_archive(house: House) -> None:
    """It is handed over, the archive is not."""
    with pytest.raises(UsageError, match="is inside the archive"):
        hand_over(
            house.evidence,
            house.prove(RECORD),
            house.root / "archive" / "proof",
            language="en",
            recipient="",
            actor="person:x",
        )


def test_a_folder_that_is_in_use_is_refused(house: House, tmp_path: Path) -> None:
    """Nothing is overwritten."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is not an empty folder"):
        write(house.prove(RECORD), tmp_path, language="en")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_disk_that_refuses_is_told(house: House, tmp_path: Path) -> None:
    """A file stands where a folder would have to be made."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OperationError, match="could not be written") as caught:
        write(house.prove(RECORD), tmp_path / "file" / "proof", language="en")
    assert "Nothing was left there" in caught.value.advice


def test_read_only_media_are_told(house: House) -> None:
    """An export that nobody journals is none."""
    with reopen(house.root / "archive", ReadOnlyDisk()) as evidence:
        proof = collect(evidence, RECORD)
        with pytest.raises(OperationError, match="read-only media"):
            hand_over(
                evidence, proof, house.root / "p", language="en", recipient="", actor="person:x"
            )


# --- the page -----------------------------------------------------------------------------------


def commands(page: str, system: str) -> list[str]:
    """Return the commands that the page gives for SYSTEM, each once."""
    blocks = [unescape(text) for name, text in COMMANDS.findall(page) if name == system]
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    return list(dict.fromkeys(lines))


def test_every_linux_command_of_the_page_was_run(house: House) -> None:
    """In the folder, as they stand; what they print is what the page promises."""
    if any(shutil.which(name) is None for name in ("sha256sum", "openssl", "python3", "bash")):
        pytest.skip("sha256sum, openssl, python3 and bash are not all installed")
    folder, proof, _written = house.export(RECORD, "with-page")
    lines = commands((folder / "README.html").read_text("utf-8"), "linux")
    said = {}
    for line in lines:
        done = subprocess.run(
            ["bash", "-c", f"LC_ALL=C; set -o pipefail; {line}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (2 if "verify.py" in line else 0), (line, done.stderr)
        said[line] = done.stdout + done.stderr
    for line, output in said.items():
        if line.startswith("openssl ts -verify"):
            assert "Verification: OK" in output
        if line.startswith("openssl ts -reply"):
            assert "Time stamp: " in output
    assert said["sha256sum -c manifest-sha256.txt"].count(": OK\n") == len(held(house)) - 1
    assert proof.digest.hex in said["sha256sum record.eml"]
    assert proof.digest.hex in said["cat entry.json"]
    leaf = next(output for line, output in said.items() if line.startswith("printf"))
    assert leaf.startswith(list(house.evidence.journal.leaves())[RECORD].hex())
    assert len([line for line in lines if line.startswith("openssl ts -verify")]) == 4
    assert not {path.name for path in folder.iterdir()} & {"__pycache__"}


def test_the_python_command_of_the_page_checks_everything(house: House) -> None:
    """With the values of the page; the reader takes those that came another way."""
    folder, proof, _written = house.export(RECORD, "with-python")
    (line,) = commands((folder / "README.html").read_text("utf-8"), "python")
    _python, _isolated, _file, *options = line.split()
    assert sorted(set(options)) == sorted(set(pinned(proof)))
    assert verify(folder, *options).returncode == 0


def test_the_page_gives_commands_for_other_systems(house: House) -> None:
    """They were read, not run, and the page says so."""
    page = held(house)["README.html"].decode()
    assert "Get-FileHash -Algorithm SHA256" in "\n".join(commands(page, "windows"))
    assert "certutil -hashfile record.eml SHA256" in commands(page, "windows")
    assert "shasum -a 256 -c manifest-sha256.txt" in commands(page, "macos")
    assert "those for macOS and Windows were only read" in page


def test_the_page_is_in_both_languages_the_archive_s_own_first(house: House) -> None:
    """One page for both sides."""
    for language, order in (("en", ["en", "fr"]), ("fr", ["fr", "en"])):
        page = contents(house.prove(RECORD), language=language)["README.html"].decode()  # type: ignore[arg-type]
        assert re.findall(r'<section lang="(\w+)">', page) == order


def test_the_page_says_what_is_not_established(house: House) -> None:
    """And since when the archive exists, and that a second log is not excluded."""
    page = held(house)["README.html"].decode()
    for words in (
        "who typed the message",
        "whether anything else was said",
        "did not place the message there",
        "a time-stamp does not exclude that",
        "The archive exists since 2026-03-02 09:30:00 +00:00",
        "at most O2",
    ):
        assert words in page


def test_the_page_lists_what_the_folder_tells_besides_the_record(house: House) -> None:
    """Entries are verbatim: who gives them away should know what stands in them."""
    page = unescape(held(house)["README.html"].decode())
    for words in (
        "how many entries the journal had at each checkpoint",
        "the archive’s random identifier",
        "the name of the person who changed it",
        "the name of the mailbox provider’s server",
        "INTERNALDATE",
        "whether it is the mailbox’s own Sent copy",
    ):
        assert words in page


def test_what_was_recorded_about_the_sender_can_be_left_out(house: House, tmp_path: Path) -> None:
    """Neither the files nor a word of them; the rest is the same and holds."""
    proof = collect(house.evidence, RECORD, with_origin=False)
    assert {*dict(house.prove(RECORD).files)} - {*dict(proof.files)} == {
        name for name in held(house) if name.startswith("origin/")
    }
    write(proof, tmp_path / "proof", language="en")
    page = (tmp_path / "proof" / "README.html").read_text("utf-8")
    assert "This folder holds nothing about who sent it" in page
    assert "INTERNALDATE" not in page
    done = verify(tmp_path / "proof", *pinned(proof))
    assert done.returncode == 2
    assert done.stdout.count("NOT CHECKED") == 1
    assert "NOT CHECKED origin: nothing here tells who sent it" in done.stdout


def test_a_time_stamp_that_no_checkpoint_names_yet_waits(
    local: LocalAuthority, tmp_path: Path
) -> None:
    """What the journal does not vouch for would only be reported as wrong."""
    house = House(tmp_path, local)
    (record,) = house.keep("Delivery")
    house.stamp()
    newest = max(house.prove(record).checkpoints)
    (tmp_path / "archive" / "journal" / "checkpoints" / f"{newest}.note").unlink()
    assert not house.prove(record).stamps


def test_every_word_of_the_page_passes_gettext(house: House) -> None:
    """In a language without letters only names, values and commands are left."""
    html = render_part(
        "proof-part.html",
        {"proof": house.prove(RECORD), "language": "xx"},
        words=Masked(),
        zone=UTC,
    )
    text = re.sub(
        r"<pre\b.*?</pre>|<span class=.hash.>.*?</span>|<[^>]*>", " ", html, flags=re.DOTALL
    )
    left = set(re.findall(r"[a-z]{2,}", text.lower()))
    names = "record eml sha linux macos windows powershell manifest txt first second"
    assert left <= {*names.split()}


def test_the_page_of_an_undated_record_says_so(tmp_path: Path) -> None:
    """Only its owner says when it was kept."""
    house = House(tmp_path)
    (record,) = house.keep("Delivery")
    house.sign()
    page = contents(house.prove(record), language="en")["README.html"].decode()
    assert "No third party has dated the record yet" in page
    assert "This folder holds nothing about who sent it" in page
    assert "openssl ts" not in page


def test_the_date_of_the_page_is_that_of_the_stamp(house: House) -> None:
    """To the second, in UTC."""
    proof = house.prove(RECORD)
    page = held(house)["README.html"].decode()
    for stamp in proof.first_stamps:
        assert stamp.time.utcoffset() == timedelta()
        assert f"existed on {stamp.time:%Y-%m-%d %H:%M:%S} +00:00" in page


def _anchors(house: House) -> list:
    from archiver.evidence.stamps.entries import anchors

    return [anchor for _position, anchor in anchors(house.evidence)]


def _keys(house: House) -> tuple:
    from archiver.evidence.checkpoints.signing import known_keys

    return known_keys(house.evidence)
