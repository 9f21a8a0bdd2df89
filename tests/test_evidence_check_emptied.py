"""An emptied entry is right when an erasure says so, and one that nobody explains is an error."""

from collections.abc import Callable
from pathlib import Path

import pytest
from evidence_case import by_hand, create, in_file, reopen, seen
from origins import held

from archiver.evidence.checks.check import verify
from archiver.evidence.erasure import announce, erase
from archiver.evidence.journal import codec
from archiver.evidence.journal.canonical import canonical, parse
from archiver.evidence.journal.merkle import leaf_hash
from archiver.evidence.store import Evidence
from archiver.model.custody import Erase, Erased, Hold, Note, Release, Restrict
from archiver.model.digest import Digest, Position
from archiver.model.entries import Export, Payload, Tag, Undo
from archiver.model.findings import Finding
from archiver.model.origin import KeySeen, Origin

ANSWER = b"a DNS answer"


def key_seen(name: str = "s._domainkey.a.example") -> KeySeen:
    """Return a captured key."""
    return KeySeen(name=name, object=Digest.of(ANSWER), size=len(ANSWER), validated=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an archive with three records, of which the first was seen in three places."""
    root = tmp_path / "archive"
    with create(root) as evidence:
        one, two, _three = evidence.keep([seen(b"one", 1), seen(b"two", 2), seen(b"three", 3)])
        evidence.keep([seen(b"one", 5, folder="Sent"), in_file(b"one"), by_hand(b"one")])
        (key,) = evidence.append([key_seen()], objects={Digest.of(ANSWER): ANSWER})
        evidence.append(
            [
                Origin(record=one.position, complete=True, signatures=(held(key),)),
                Origin(record=two.position, complete=False),
                Tag(record=one.position, engagement="acme"),
                Export(engagement="", numbers=((1, one.position),), manifest=Digest.of(b"m")),
                Hold(engagement=None, records=(two.position,)),
                Restrict(record=one.position),
            ]
        )
        restrict = Position(evidence.size - 1)
        evidence.append(
            [
                Release(entry=restrict),
                Release(record=one.position),
                Note(entry=restrict, records=(one.position,), words="from the lawyer"),
            ]
        )
    return root


def positions(root: Path) -> dict[bytes, Position]:
    """Return where the records are."""
    with reopen(root, recover=False) as evidence:
        found = {data: evidence.position_of(Digest.of(data)) for data in (b"one", b"two", b"three")}
    return {data: position for data, position in found.items() if position is not None}


def check(root: Path) -> tuple[Finding, ...]:
    """Check ROOT as it is."""
    with reopen(root, recover=False) as evidence:
        return verify(evidence, read_data=1.0).findings


def codes(root: Path) -> dict[str, str]:
    """Return the level of each code; each finding has words and advice."""
    found = check(root)
    assert all(one.message and one.advice and one.subject for one in found)
    return {one.code: one.level for one in found}


def erased(root: Path, data: bytes = b"one") -> Position:
    """Erase a record, and return where the ``erase`` entry is."""
    with reopen(root) as evidence:
        record = evidence.position_of(Digest.of(data))
        assert record is not None
        (position,) = erase(evidence, [record], basis="Art. 17 GDPR", actor="person:lea")
    return position


def tamper(root: Path, statement: str, *values: int | str | bytes) -> None:
    """Change the database as its owner can."""
    with reopen(root) as evidence:
        evidence.database.all(statement, *values)


def rewrite(root: Path, position: int, **changes: object) -> None:
    """Change an entry, its leaf and the mirror, so that all three agree."""
    with reopen(root) as evidence:
        fields = parse(evidence.raw_entry(Position(position)))
        body = canonical(fields | changes)  # type: ignore[arg-type]
        evidence.database.all(
            "UPDATE entry SET body = ?, leaf = ? WHERE position = ?",
            body,
            leaf_hash(body),
            position,
        )
        evidence.mirror.path.write_bytes(b"".join(evidence.journal.leaves()))


def test_every_kind_of_entry_can_be_checked(root: Path) -> None:
    """Keys, origins, holds, restrictions, notes."""
    assert check(root) == ()


def test_an_erasure_is_no_finding(root: Path) -> None:
    """Emptied entries, their leaves, what names them: all as it should be."""
    erased(root)
    assert check(root) == ()
    erased(root, b"two")
    assert check(root) == ()


def test_an_erasure_that_was_only_announced_is_told(root: Path) -> None:
    """Whether its objects are gone already or not."""
    with reopen(root) as evidence:
        record = evidence.position_of(Digest.of(b"one"))
        assert record is not None
        (position,) = announce(evidence, [record], basis="Art. 17 GDPR", actor="person:lea")
        path = evidence.path_of(Digest.of(b"one"))
        (finding,) = verify(evidence).findings
        assert (finding.code, finding.level) == ("erasure-unfinished", "warning")
        assert finding.subject == str(position)
        assert finding.message == (
            f"The erasure in entry {position} was not finished: 8 entries are still there."
        )
        path.chmod(0o600)
        path.unlink()
        (finding,) = verify(evidence).findings
        assert finding.code == "erasure-unfinished"


def test_an_entry_that_was_emptied_without_an_erasure_is_an_error(root: Path) -> None:
    """Somebody took it away and kept its leaf."""
    position = positions(root)[b"three"]
    with reopen(root) as evidence:
        stub = codec.emptied(evidence.raw_entry(position), erase=Position(1))
    tamper(root, "UPDATE entry SET body = ? WHERE position = ?", stub, position)
    found = {one.code: one for one in check(root)}
    assert found["erased-unexplained"].level == "error"
    assert found["erased-unexplained"].message == (
        f"Entry {position} was emptied, and entry 1 is no erasure that says so."
    )
    assert {"root-differs", "lookup-extra"} <= found.keys()


def test_an_erasure_of_others_explains_nothing(root: Path) -> None:
    """It names positions, and each with its leaf."""
    by = erased(root)
    position = positions(root)[b"three"]
    with reopen(root) as evidence:
        stub = codec.emptied(evidence.raw_entry(position), erase=by)
    tamper(root, "UPDATE entry SET body = ? WHERE position = ?", stub, position)
    assert codes(root)["erased-unexplained"] == "error"


def test_another_leaf_under_an_emptied_entry_is_an_error(root: Path) -> None:
    """The erasure says which leaf it was."""
    one = positions(root)[b"one"]
    erased(root)
    tamper(root, "UPDATE entry SET leaf = zeroblob(32) WHERE position = ?", one)
    found = codes(root)
    assert found["erased-unexplained"] == found["mirror-differs"] == "error"
    assert found["reference-wrong"] == found["root-differs"] == "error"


def test_an_emptied_entry_says_nothing_more(root: Path) -> None:
    """A stub with words in it is none."""
    one = positions(root)[b"one"]
    erased(root)
    with reopen(root) as evidence:
        body = canonical(parse(evidence.raw_entry(one)) | {"words": "x"})
    tamper(root, "UPDATE entry SET body = ? WHERE position = ?", body, one)
    assert codes(root) == {"entry-not-canonical": "error"}


def test_an_emptied_entry_keeps_its_type(root: Path) -> None:
    """What names it counts on it."""
    one = positions(root)[b"one"]
    erased(root)
    tamper(root, "UPDATE entry SET type = 'tag' WHERE position = ?", one)
    assert codes(root) == {"lookup-missing": "error", "reference-wrong": "error"}


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE uid SET state = 'kept' WHERE state = 'erased'", "lookup-extra"),
        ("UPDATE uid SET state = 'erased' WHERE state = 'kept'", "lookup-missing"),
        ("UPDATE uid SET state = 'vanished' WHERE state = 'kept'", "lookup-extra"),
        ("INSERT INTO file_position VALUES ('/x', 0, 0, 2, 3)", "lookup-extra"),
        ("INSERT INTO record SELECT randomblob(32), 2, 3", "lookup-extra"),
        ("INSERT INTO origin VALUES (2, 12, 1)", "lookup-extra"),
        ("DELETE FROM origin", "lookup-missing"),
        ("UPDATE origin SET complete = 1 - complete", "lookup-missing"),
        ("INSERT INTO key_seen VALUES ('x', 11, zeroblob(32), 2)", "lookup-extra"),
    ],
)
def test_tables_that_disagree_after_an_erasure_are_found(
    root: Path, statement: str, code: str
) -> None:
    """What was erased must not be found again, nor fetched again."""
    erased(root)
    tamper(root, statement)
    assert codes(root)[code] == "error"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM key_seen",
        "UPDATE key_seen SET name = 'another'",
        "UPDATE key_seen SET size = 3",
    ],
)
def test_a_key_that_is_not_found_again_is_an_error(root: Path, statement: str) -> None:
    """Keys are looked up by name."""
    tamper(root, statement)
    assert codes(root)["lookup-missing"] == "error"


def test_the_object_of_a_key_is_checked(root: Path) -> None:
    """As records' are; nothing else has the key any more."""
    digest = Digest.of(ANSWER).hex
    path = root / "objects" / digest[:2] / digest
    path.chmod(0o600)
    path.write_bytes(b"A" + ANSWER[1:])
    path.chmod(0o444)
    (finding,) = check(root)
    assert (finding.code, finding.subject) == ("object-damaged", digest)


@pytest.mark.parametrize("left", [b"one", b"two"])
def test_an_object_that_came_back_is_noted(root: Path, left: bytes) -> None:
    """From a backup, for example: no entry names it any more."""
    erased(root, left)
    digest = Digest.of(left).hex
    (root / "objects" / digest[:2] / digest).write_bytes(left)
    assert codes(root) == {"object-stray": "note"}


def entry_of(root: Path, kind: type[Payload]) -> Position:  # type: ignore[valid-type]
    """Return where the first entry of KIND is."""
    with reopen(root, recover=False) as evidence:
        return next(
            entry.position for entry in evidence.entries() if isinstance(entry.payload, kind)
        )


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (Origin, {"record": 1}),
        (Hold, {"records": [1]}),
        (Restrict, {"record": 900}),
        (Release, {"entry": 2}),
        (Note, {"records": [0]}),
        (Note, {"entry": 900}),
        (Erase, {"records": [1]}),
        (Erase, {"entries": [2, 900], "leaves": ["00" * 32, "00" * 32]}),
        (Erase, {"leaves": []}),
        (Erased, {"erase": 2}),
    ],
)
def test_an_entry_that_names_what_is_not_there_is_found(
    root: Path,
    kind: type[Payload],
    changes: dict[str, object],  # type: ignore[valid-type]
) -> None:
    """Or names something else than it should."""
    erased(root, b"three")
    position = entry_of(root, kind)
    rewrite(root, position, **changes)
    found = {(one.code, one.subject) for one in check(root)}
    assert ("reference-wrong", str(position)) in found


@pytest.mark.parametrize("key", [1, 900])
def test_a_signature_that_names_no_key_is_found(root: Path, key: int) -> None:
    """It could not be verified again."""
    position = entry_of(root, Origin)
    with reopen(root) as evidence:
        fields = parse(evidence.raw_entry(position))
    signatures = fields["signatures"]
    assert isinstance(signatures, list)
    assert isinstance(signatures[0], dict)
    rewrite(root, position, signatures=[signatures[0] | {"key": key}])
    assert codes(root) == {"reference-wrong": "error"}


def vanish(evidence: Evidence, uids: str) -> None:
    """Journal that messages vanished."""
    from archiver.model.entries import Vanished

    evidence.append([Vanished(account="work", folder="INBOX", uidvalidity=1, uids=uids)])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (None, {}),
        ("UPDATE uid SET state = 'kept' WHERE uid = 2", {"lookup-missing": "error"}),
        ("UPDATE uid SET state = 'vanished' WHERE uid = 1", {"lookup-extra": "error"}),
    ],
)
def test_what_counts_as_vanished_is_what_entries_say(
    root: Path, change: str | None, expected: dict[str, str]
) -> None:
    """No more and no less, an erased message among them."""
    with reopen(root) as evidence:
        vanish(evidence, "2:3")
    erased(root, b"three")
    if change:
        tamper(root, change)
    assert codes(root) == expected


def test_an_undo_may_name_a_tag_that_is_there(root: Path) -> None:
    """References among new kinds leave the old ones alone."""
    with reopen(root) as evidence:
        evidence.append([Undo(entry=entry_of(root, Tag))])
    assert check(root) == ()


def test_since_checks_the_erasures_that_came_since(root: Path) -> None:
    """They empty older entries: those are looked at again."""
    from archiver.evidence.checks.check import Scope

    notes: dict[str, bytes] = {}

    class Pad:
        def note(self, name: str) -> bytes | None:
            return notes.get(name)

        def keep_note(self, name: str, data: bytes) -> None:
            notes[name] = data

    def since() -> list[Callable[[], None] | str]:
        with reopen(root, recover=False) as evidence:
            report = verify(evidence, Scope(since="last", notes=Pad()))
            return [one.code for one in report.findings]

    assert since() == ["since-unknown"]
    erased(root)
    assert since() == []
