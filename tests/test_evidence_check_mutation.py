"""Whatever is changed in an archive, a byte of a file or a value in a table, a check finds it.

What it cannot find is enumerated here: it changes nothing that the archive says.
"""

import contextlib
import itertools
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from authority import local_authority
from evidence_case import (
    SOFTWARE,
    create,
    cursor,
    in_file,
    now,
    presumption,
    reopen,
    seen,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archiver.authorities import Authority
from archiver.care.verify import proof_checks
from archiver.errors import ArchiverError
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checkpoints.signing import sign_checkpoint
from archiver.evidence.checks.check import Scope, verify
from archiver.evidence.erasure import erase
from archiver.evidence.stamps.anchoring import anchor
from archiver.evidence.stamps.post import Answer
from archiver.evidence.store import Evidence
from archiver.model.custody import Note, Restrict
from archiver.model.digest import Digest
from archiver.model.entries import FolderChange, FolderScan, Scan, Tag, Vanished
from archiver.model.findings import Level
from archiver.model.origin import KeySeen, Origin

PROVE_NOTHING = (".tsq", ".pem")
"""Kept for people and for openssl: the answer (.tsr) and archive.toml say the same."""

NOT_BELIEVED = ("sync", "attempt", "trouble", "cursor", "volume", "looked")
"""Tables that follow from no entry; a cursor that lies delays mail until the next full look."""

SOUND = {"uid-reused": "note"}
"""What a check says of the sample: one message came under a UID that was used."""

Value = int | str | bytes | None


@dataclass
class Sample:
    """A small archive with something of everything in it."""

    root: Path
    state: Path

    def levels(self) -> dict[str, Level]:
        """Check all that can be checked; what cannot even be opened is an error as well."""
        try:
            with reopen(self.root, recover=False) as evidence:
                outside: Outside | None = None
                with contextlib.suppress(ArchiverError):
                    outside = Outside(self.state, evidence.archive_id)
                checks = proof_checks(
                    evidence,
                    outside=outside,
                    settings=lambda: None,
                    origin=True,
                    progress=lambda _done, _total: None,
                )
                report = verify(evidence, Scope(read_data=1.0), also=checks, patience=0)
        except ArchiverError as error:
            return {type(error).__name__: "error"}
        return {one.code: one.level for one in report.findings}

    def is_found(self) -> bool:
        """Tell whether a check ends with an error."""
        return "error" in self.levels().values()

    def files(self) -> list[Path]:
        """Return what can be changed byte by byte."""
        folders = ("objects", "journal/checkpoints", "journal/stamps")
        found = [path for folder in folders for path in (self.root / folder).rglob("*")]
        return [self.root / "journal" / "leaves", *sorted(path for path in found if path.is_file())]

    @property
    def database(self) -> Path:
        """Where the journal is."""
        return self.root / "journal" / "journal.sqlite"

    def said(self) -> list[str]:
        """Return all that the tables hold, but for those that nobody believes."""
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            lines = list(connection.iterdump())
        return [line for line in lines if not any(f'"{name}"' in line for name in NOT_BELIEVED)]


@contextlib.contextmanager
def changed(path: Path, data: bytes) -> Iterator[None]:
    """Have PATH hold DATA for a while."""
    before, mode = path.read_bytes(), path.stat().st_mode
    path.chmod(0o600)
    path.write_bytes(data)
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(0o600)
        path.write_bytes(before)
        path.chmod(mode)


def flipped(data: bytes, place: int, bits: int = 1) -> bytes:
    """Return DATA with one byte changed."""
    return data[:place] + bytes([data[place] ^ bits]) + data[place + 1 :]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Make the archive once; each test leaves it as it was."""
    folder = tmp_path_factory.mktemp("mutation")
    authority = local_authority()
    pinned = Authority(name="local", url="http://127.0.0.1:1/", root=authority.pem().decode())
    with create(folder / "archive") as evidence:
        outside = Outside(folder / "state", evidence.archive_id)
        _fill(evidence)
        sign_checkpoint(evidence, outside, entropy=os.urandom)
        outcome = anchor(
            evidence,
            [pinned],
            due=False,
            checkpoint=lambda: True,
            clock=lambda: datetime.now(UTC),
            entropy=os.urandom,
            post=lambda _url, body, _timeout: Answer(
                status=200,
                content_type="application/timestamp-reply",
                retry_after="",
                body=authority.reply(body),
            ),
        )
        assert not outcome.failed, outcome
    # What follows a time-stamp is not older than that says.
    with Evidence.open(
        folder / "archive",
        clock=lambda: datetime.now(UTC),
        entropy=os.urandom,
        software=SOFTWARE,
    ) as evidence:
        record = evidence.position_of(Digest.of(b"gone"))
        assert record is not None
        evidence.append([Tag(record=record, engagement="acme")])
        sign_checkpoint(evidence, outside, entropy=os.urandom)
    sample = Sample(folder / "archive", folder / "state")
    assert sample.levels() == SOUND
    assert sorted(path.suffix for path in sample.files() if path.suffix) == [
        ".note",
        ".note",
        ".pem",
        ".tsq",
        ".tsr",
    ]
    return sample


def _fill(evidence: Evidence) -> None:
    evidence.keep_config("archive.toml", _settings(), actor="archiver")
    one, *_others = evidence.keep([seen(b"one", 1), seen(b"two", 2), seen(b"gone", 3)])
    evidence.keep([in_file(b"one"), seen(b"another", 1), seen(b"four", 4)])
    answer = b"answer"
    key = KeySeen(name="s._domainkey.x", object=Digest.of(answer), size=6, validated=False)
    evidence.append([key], objects={key.object: answer})
    evidence.append([Restrict(record=one.position)])
    evidence.append(
        [
            Origin(record=one.position, complete=True, internaldate=now()),
            Note(entry=one.position, records=(one.position,), words="words"),
            Vanished(account="work", folder="INBOX", uidvalidity=1, uids="4"),
        ]
    )
    moved = [
        presumption(one.position, uid, folder="Archive", uidvalidity=7) for uid in (1, 2, 3, 4, 5)
    ]
    evidence.append(moved)
    evidence.keep([seen(b"one", 2, folder="Archive", uidvalidity=7)])
    evidence.append([Vanished(account="work", folder="Archive", uidvalidity=7, uids="3:4")])
    evidence.append([presumption(one.position, 4, folder="Archive", uidvalidity=7)])
    for rules, unkept in (
        (b"old", (("no engagement", "1:40"),)),
        (b"new", (("never", "8:9,30"), ("no engagement", "10:12"))),
    ):
        scan = FolderScan(
            folder="INBOX", uidvalidity=1, exists=40, kept="20", looked="1:40", unkept=unkept
        )
        evidence.append([Scan(account="work", folders=(scan,), rules=Digest.of(rules))])
    change = FolderChange(account="work", folder="Old", change="gone", uidvalidity=3)
    evidence.append([change])
    evidence.note_sync("work", now(), good=False, reason="refused")
    evidence.spend("work", now().date(), 10, 0)
    evidence.put_cursors("work", [cursor("INBOX")])
    evidence.note_looked("work", 3)


def _settings() -> bytes:
    authority = local_authority()
    root = authority.pem().decode()
    return (
        'schema = 1\ntime_zone = "UTC"\nlanguage = "en"\n\n[authority.local]\n'
        f'url = "http://127.0.0.1:1/"\nroot = """\n{root}"""\n'
    ).encode()


def test_each_file_that_is_changed_is_found(sample: Sample) -> None:
    """In its first byte, its last one, and some between; cut off, grown, gone."""
    for path in sample.files():
        data = path.read_bytes()
        step = max(1, len(data) // 7)
        changes = [flipped(data, place) for place in {0, len(data) - 1, *range(0, len(data), step)}]
        for change in (*changes, data[:-1], data + b"\n", b""):
            with changed(path, change):
                found = sample.is_found()
            # A mirror that is too short, or torn, is what an interrupted write leaves: a warning.
            torn = path.name == "leaves" and len(change) != len(data)
            assert found or torn or path.suffix in PROVE_NOTHING, (path, change[:80])
    assert sample.levels() == SOUND


@given(number=st.integers(0), place=st.integers(0), bits=st.integers(1, 255))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_byte_of_any_file_that_is_changed_is_found(
    sample: Sample, number: int, place: int, bits: int
) -> None:
    """Wherever."""
    files = [path for path in sample.files() if path.suffix not in PROVE_NOTHING]
    path = files[number % len(files)]
    data = path.read_bytes()
    with changed(path, flipped(data, place % len(data), bits)):
        assert sample.is_found(), path


def _other(value: Value) -> Value:
    """Return a value that is not VALUE, and of its type."""
    match value:
        case int():
            return value + 1
        case str():
            return {"kept": "vanished", "vanished": "kept"}.get(value, value[:-1] + "~")
        case bytes():
            return flipped(value, len(value) // 2)
        case None:
            return bytes(32)


def _cells(connection: sqlite3.Connection) -> Iterator[tuple[str, str, str, tuple[Value, ...]]]:
    """Yield each cell of each table that is believed: table, column, condition, its values."""
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        if table in NOT_BELIEVED:
            continue
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        where = " AND ".join(f"{column} IS ?" for column in columns)
        for row in connection.execute(f"SELECT * FROM {table}").fetchall():
            yield from ((table, column, where, row) for column in columns)


def test_each_value_that_is_changed_in_the_journal_is_found(sample: Sample) -> None:
    """By an owner who knows SQL: every column of every row."""
    before = sample.database.read_bytes()
    with contextlib.closing(sqlite3.connect(sample.database)) as connection:
        cells = list(_cells(connection))
    tried: set[str] = set()
    for table, column, where, row in cells:
        names = [name.partition(" ")[0] for name in where.split(" AND ")]
        value = row[names.index(column)]
        try:
            with contextlib.closing(sqlite3.connect(sample.database)) as connection, connection:
                connection.execute(
                    f"UPDATE {table} SET {column} = ? WHERE {where}", (_other(value), *row)
                )
        except sqlite3.IntegrityError:
            continue  # the table itself refuses it
        tried.add(f"{table}.{column}")
        try:
            assert sample.is_found(), (table, column, value)
        finally:
            _put_back(sample, before)
    assert len(tried) > 40
    assert sample.levels() == SOUND


def test_each_row_that_is_removed_is_found(sample: Sample) -> None:
    """Or put in twice, under another key."""
    before = sample.database.read_bytes()
    with contextlib.closing(sqlite3.connect(sample.database)) as connection:
        rows = {(table, where, row) for table, _column, where, row in _cells(connection)}
    for table, where, row in rows:
        with contextlib.closing(sqlite3.connect(sample.database)) as connection, connection:
            connection.execute(f"DELETE FROM {table} WHERE {where}", row)
        try:
            assert sample.is_found(), (table, row)
        finally:
            _put_back(sample, before)
    assert sample.levels() == SOUND


def _put_back(sample: Sample, database: bytes) -> None:
    sample.database.write_bytes(database)
    for name in ("journal.sqlite-wal", "journal.sqlite-shm"):
        sample.database.with_name(name).unlink(missing_ok=True)


@given(place=st.integers(0), bits=st.integers(1, 255))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_byte_of_the_database_is_found_or_says_nothing(
    sample: Sample, place: int, bits: int
) -> None:
    """Unused room in its pages, counters that SQLite itself corrects."""
    before, said = sample.database.read_bytes(), sample.said()
    sample.database.write_bytes(flipped(before, place % len(before), bits))
    try:
        if not sample.is_found():
            assert sample.said() == said
    finally:
        _put_back(sample, before)


@pytest.mark.parametrize("entry", [-1, 1_000_000])
def test_a_row_that_names_an_entry_which_does_not_exist_is_found(
    sample: Sample, entry: int
) -> None:
    """A message that counts as fetched, by whatever entry, would never be fetched."""
    before = sample.database.read_bytes()
    columns = {
        "uid": ("entry", "'work', 'Other', 1, 9, 3, {}, 'kept'"),
        "presumed": ("entry", "'work', 'Other', 1, 9, 3, {}, 'kept'"),
        "unkept": ("entry", "'work', 'Other', 1, 9, 9, '', 'never', {}"),
        "uid_other": ("entry", "'work', 'INBOX', 1, 9, 3, {}"),
        "file_position": ("entry", "'/mail/box', 0, 9, 3, {}"),
        "epoch": ("entry", "'work', 'Other', {}, 1"),
        "origin": ("entry", "3, {}, 1"),
    }
    for table, (column, values) in columns.items():
        for statement in (
            f"UPDATE {table} SET {column} = {entry}",
            f"INSERT INTO {table} VALUES ({values.format(entry)})",
        ):
            with contextlib.closing(sqlite3.connect(sample.database)) as connection, connection:
                connection.execute(statement)
            try:
                assert sample.is_found(), statement
            finally:
                _put_back(sample, before)
    assert sample.levels() == SOUND


@pytest.mark.parametrize("column", ["account", "folder", "uidvalidity", "uid", "record"])
def test_where_an_erased_message_was_is_not_known_any_more(tmp_path: Path, column: str) -> None:
    """Its row only keeps a sync from fetching it again; who changes it has it fetched again."""
    with create(tmp_path) as evidence:
        (kept,) = evidence.keep([seen(b"one", 1)])
        erase(evidence, [kept.position], basis="Art. 17 GDPR", actor="person:lea")
        evidence.database.all(f"UPDATE uid SET {column} = {column} || '7'")
        assert verify(evidence).findings == ()
        evidence.database.all("UPDATE uid SET entry = entry + 1")
        assert verify(evidence).errors


def test_entries_that_change_places_are_found(sample: Sample) -> None:
    """With their leaves, and in the mirror as well: what was signed and dated tells."""
    before = sample.database.read_bytes()
    mirror = sample.root / "journal" / "leaves"
    swap = (
        "UPDATE entry SET position = -1 WHERE position = {0}",
        "UPDATE entry SET position = {0} WHERE position = {1}",
        "UPDATE entry SET position = {1} WHERE position = -1",
    )
    for first, second in itertools.pairwise(range(1, 8)):
        with contextlib.closing(sqlite3.connect(sample.database)) as connection, connection:
            for statement in swap:
                connection.execute(statement.format(first, second))
            leaves = [
                row[0] for row in connection.execute("SELECT leaf FROM entry ORDER BY position")
            ]
        try:
            with changed(mirror, b"".join(leaves)):
                assert "checkpoint-root" in sample.levels()
        finally:
            _put_back(sample, before)
    assert sample.levels() == SOUND
