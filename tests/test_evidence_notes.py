"""Signed notes, checkpoints and proof files: C2SP to the letter, each defect refused by name."""

import base64

import pytest
from tree_proofs import inclusion_proof, open_proof

from archiver.evidence.checkpoints.checkpoint import Checkpoint, origin_of, parse_checkpoint
from archiver.evidence.checkpoints.keys import NoteError, SigningKey, VerifierKey
from archiver.evidence.checkpoints.note import LARGEST_NOTE, open_note, sign_note, text_of
from archiver.evidence.checkpoints.tlog_proof import format_proof, parse_proof
from archiver.evidence.journal.merkle import leaf_hash, root_of

# The known answers of golang.org/x/mod/sumdb/note: note_test.go.
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot"
    "pRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLo"
    "x33WWd1RvMc+QQ=\n"
)
PETER = VerifierKey.parse(PETER_KEY)
ENOCH = VerifierKey.parse(ENOCH_KEY)
NOTE = f"{TEXT}\n{PETER_LINE}"
ROOT = root_of([leaf_hash(b"one")])


def test_a_key_is_written_as_go_writes_it() -> None:
    """From the seed to the verifier key."""
    assert str(SigningKey.from_seed("PeterNeumann", PETER_SEED).verifier) == PETER_KEY
    assert PETER.hash == 0xC74F20A3
    assert str(ENOCH) == ENOCH_KEY


def test_a_note_is_signed_as_go_signs_it() -> None:
    """Byte for byte, and the same each time."""
    key = SigningKey.from_seed("PeterNeumann", PETER_SEED)
    assert sign_note(TEXT, key) == NOTE.encode() == sign_note(TEXT, key)


def test_a_note_of_two_signers_opens_with_either_key() -> None:
    """Signatures of others are passed over."""
    note = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}".encode()
    for keys in ([PETER], [ENOCH], [PETER, ENOCH], [ENOCH, PETER, ENOCH]):
        assert open_note(note, keys) == TEXT


def test_the_text_may_hold_blank_lines() -> None:
    """The last one is the border."""
    key = SigningKey.from_seed("PeterNeumann", PETER_SEED)
    text = "one\n\n\ntwo — three\n"
    assert open_note(sign_note(text, key), [key.verifier]) == text


def test_as_many_signatures_as_c2sp_demands_are_read() -> None:
    """At least sixteen."""
    assert open_note(f"{TEXT}\n{ENOCH_LINE * 16}{PETER_LINE}".encode(), [PETER]) == TEXT


def test_a_secret_key_does_not_show_its_seed() -> None:
    """Not even in a traceback."""
    shown = repr(SigningKey.from_seed("PeterNeumann", PETER_SEED))
    assert PETER_SEED.hex() not in shown
    assert "seed" not in shown


@pytest.mark.parametrize(
    ("defect", "note", "reason"),
    [
        ("no signature", TEXT, "no text with a blank line"),
        ("nothing below the blank line", TEXT + "\n", "ends in the middle"),
        ("cut off", NOTE[:-1], "ends in the middle"),
        ("no text", "\n\n" + PETER_LINE, "no text"),
        ("a control character", "\x01" + NOTE, "control characters"),
        ("a carriage return", NOTE.replace("\n", "\r\n"), "control characters"),
        ("a tab", NOTE.replace("— PeterNeumann ", "— PeterNeumann\t"), "control characters"),
        ("a line that is no signature", NOTE + "Unexpected line.\n", "is no signature"),
        ("a hyphen for the dash", NOTE.replace("— ", "- "), "is no signature"),
        ("a name with a space", NOTE.replace("— Peter", "— Peter "), "base64"),
        ("a name with a plus", NOTE.replace("— Peter", "— Peter+"), "no space, plus"),
        ("a name with a no-break space", NOTE.replace("— Peter", "— P\u00a0"), "no space, plus"),
        ("no name", NOTE.replace("— PeterNeumann ", "—  "), "1 to 255"),
        ("not base64", NOTE.replace("x08go", "x08g?"), "not base64"),
        ("base64 with spare bits", NOTE.replace("JnAM=\n", "JnAN=\n"), "standard form"),
        ("base64 without its end", NOTE.replace("=\n", "\n"), "not base64"),
        ("a signature of nothing", f"{TEXT}\n— PeterNeumann x08gow==\n", "too short"),
        ("another text", NOTE.replace("answer", "Answer"), "signature of PeterNeumann"),
        ("another signature", NOTE.replace("ZJku", "ZJkv"), "signature of PeterNeumann"),
        ("a short signature", f"{TEXT}\n— PeterNeumann x08goww=\n", "signature of PeterNeumann"),
        ("signed by somebody else", f"{TEXT}\n{ENOCH_LINE}", "no known key"),
        ("another name", NOTE.replace("PeterNeumann", "CarmenSandiego"), "no known key"),
        ("another key ID", NOTE.replace("x08g", "xxxx"), "no known key"),
        ("right and wrong", f"{TEXT}x\n\n{PETER_LINE}{ENOCH_LINE}", "signature of PeterNeumann"),
        ("too many signatures", f"{TEXT}\n{PETER_LINE * 101}", "too many"),
        ("too large", f"{'x' * LARGEST_NOTE}\n\n{PETER_LINE}", "too large"),
    ],
)
def test_a_note_with_a_defect_is_refused(defect: str, note: str, reason: str) -> None:
    """Each for its own reason."""
    with pytest.raises(NoteError, match=reason):
        open_note(note.encode(), [PETER])
    assert defect


def test_a_note_that_is_not_utf_8_is_refused() -> None:
    """Before anything else is looked at."""
    with pytest.raises(NoteError, match="not UTF-8"):
        open_note(b"\xff" + NOTE.encode(), [PETER])


def test_a_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    """Even beside a good one of another."""
    wrong = PETER_LINE.replace("ZJku", "ZJkv")
    with pytest.raises(NoteError, match="is wrong"):
        open_note(f"{TEXT}\n{ENOCH_LINE}{wrong}".encode(), [PETER, ENOCH])


@pytest.mark.parametrize(
    "text", ["", "\n", "no end", "a\ttab\n", "\udc80\n", "x" * LARGEST_NOTE + "\n"]
)
def test_what_cannot_be_a_text_is_not_signed(text: str) -> None:
    """It could not be read back."""
    with pytest.raises(NoteError):
        sign_note(text, SigningKey.from_seed("PeterNeumann", PETER_SEED))


def test_no_part_of_a_key_is_a_key() -> None:
    """As in Go's own test: every cut, and every byte one higher."""
    for start in range(len(PETER_KEY)):
        for end in range(start, len(PETER_KEY) + 1):
            if (start, end) != (0, len(PETER_KEY)):
                with pytest.raises(NoteError):
                    VerifierKey.parse(PETER_KEY[start:end])
    for at, letter in enumerate(PETER_KEY):
        with pytest.raises(NoteError):
            VerifierKey.parse(PETER_KEY[:at] + chr(ord(letter) + 1) + PETER_KEY[at + 1 :])


@pytest.mark.parametrize(
    "key",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "",
        "++",
    ],
)
def test_a_key_of_another_kind_is_refused(key: str) -> None:
    """Of another length, of an unknown algorithm, in another form."""
    with pytest.raises(NoteError):
        VerifierKey.parse(key)


def test_a_seed_of_another_length_is_refused() -> None:
    """32 bytes (RFC 8032)."""
    with pytest.raises(NoteError, match="32 bytes"):
        SigningKey.from_seed("name", bytes(31))


def test_bytes_that_are_no_key_verify_nothing() -> None:
    """They are a signature that is wrong, not a crash."""
    key = VerifierKey.of("name", b"\xff" * 32)
    assert not key.verifies(bytes(64), b"data")
    assert not PETER.verifies(bytes(63), b"data")


# --- checkpoints --------------------------------------------------------------------------------

ORIGIN = origin_of("ab" * 16)
LINES = (ORIGIN, "1", base64.b64encode(ROOT).decode())


def test_a_checkpoint_is_three_lines() -> None:
    """Origin, size, root; and back."""
    checkpoint = Checkpoint(ORIGIN, 20852163, ROOT)
    text = f"written-record-archive/{'ab' * 16}\n20852163\n{base64.b64encode(ROOT).decode()}\n"
    assert checkpoint.text() == text
    assert parse_checkpoint(text) == checkpoint


def test_the_example_of_the_specification_is_read() -> None:
    """C2SP tlog-checkpoint."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = parse_checkpoint(text)
    assert checkpoint.size == 20852163
    assert checkpoint.text() == text


@pytest.mark.parametrize(
    ("defect", "lines"),
    [
        ("two lines", LINES[:2]),
        ("an extension line", (*LINES, "more")),
        ("an empty line", (*LINES, "")),
        ("no origin", ("", *LINES[1:])),
        ("an origin with a space", ("our log", *LINES[1:])),
        ("an origin with a plus", ("our+log", *LINES[1:])),
        ("a leading zero", (ORIGIN, "01", LINES[2])),
        ("a sign", (ORIGIN, "+1", LINES[2])),
        ("a negative size", (ORIGIN, "-1", LINES[2])),
        ("a space before the size", (ORIGIN, " 1", LINES[2])),
        ("digits that are not ASCII", (ORIGIN, "١", LINES[2])),
        ("an underscore", (ORIGIN, "1_0", LINES[2])),
        ("no size", (ORIGIN, "", LINES[2])),
        ("a size beyond 63 bits", (ORIGIN, str(2**63), LINES[2])),
        ("a size of a thousand digits", (ORIGIN, "1" * 1000, LINES[2])),
        ("a root in hexadecimal", (ORIGIN, "1", ROOT.hex())),
        ("a root of 31 bytes", (ORIGIN, "1", base64.b64encode(ROOT[1:]).decode())),
        ("a root of 33 bytes", (ORIGIN, "1", base64.b64encode(ROOT + b"x").decode())),
        ("a root in the other base64", (ORIGIN, "1", "_" + LINES[2][1:])),
        ("a carriage return", (ORIGIN, "1\r", LINES[2])),
    ],
)
def test_a_checkpoint_with_a_defect_is_refused(defect: str, lines: tuple[str, ...]) -> None:
    """There is one way to write a checkpoint."""
    with pytest.raises(NoteError):
        parse_checkpoint("".join(f"{line}\n" for line in lines))
    assert defect


def test_a_checkpoint_without_its_last_newline_is_refused() -> None:
    """It was cut."""
    with pytest.raises(NoteError, match="three lines"):
        parse_checkpoint("\n".join(LINES))


# --- proof files --------------------------------------------------------------------------------

ENTRIES = [b"one", b"two", b"three", b"four", b"five"]
HASHES = [leaf_hash(entry) for entry in ENTRIES]
KEY = SigningKey.from_seed(ORIGIN, bytes(range(32)))
CHECKPOINT = Checkpoint(ORIGIN, 5, root_of(HASHES))
SIGNED = sign_note(CHECKPOINT.text(), KEY)
PROOF = format_proof(2, inclusion_proof(HASHES, 2), SIGNED)
HEAD, _, _ = PROOF.partition(b"\n\n")


def test_a_proof_file_says_all_that_is_needed() -> None:
    """As C2SP tlog-proof shows it."""
    lines = PROOF.decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 2"]
    assert [base64.b64decode(line) for line in lines[2:5]] == list(inclusion_proof(HASHES, 2))
    assert lines[5:7] == ["", ORIGIN]
    assert PROOF.endswith(SIGNED)
    assert parse_proof(PROOF) == (2, inclusion_proof(HASHES, 2), SIGNED)


@pytest.mark.parametrize("index", range(5))
def test_a_proof_file_leads_from_the_entry_to_the_checkpoint(index: int) -> None:
    """And from no other entry."""
    data = format_proof(index, inclusion_proof(HASHES, index), SIGNED)
    assert open_proof(data, ENTRIES[index], [KEY.verifier]) == (index, CHECKPOINT)
    with pytest.raises(NoteError, match="does not lead"):
        open_proof(data, b"another", [KEY.verifier])
    with pytest.raises(NoteError, match="no known key"):
        open_proof(data, ENTRIES[index], [PETER])


def test_a_tree_of_one_entry_has_a_proof_file_without_hashes() -> None:
    """The blank line follows the index."""
    note = sign_note(Checkpoint(ORIGIN, 1, HASHES[0]).text(), KEY)
    data = format_proof(0, (), note)
    assert data.startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\nwritten")
    assert open_proof(data, b"one", [KEY.verifier])[0] == 0


def test_extra_data_is_passed_over() -> None:
    """Nothing vouches for it."""
    data = PROOF.replace(b"index", b"extra AAEC\nindex", 1)
    assert parse_proof(data) == parse_proof(PROOF)


@pytest.mark.parametrize(
    ("defect", "data"),
    [
        ("empty", b""),
        ("no checkpoint", HEAD + b"\n"),
        ("another version", PROOF.replace(b"@v1", b"@v2")),
        ("no header", PROOF.partition(b"\n")[2]),
        ("no index", PROOF.replace(b"index 2\n", b"")),
        ("an index with a leading zero", PROOF.replace(b"index 2", b"index 02")),
        ("an index beyond the tree", PROOF.replace(b"index 2", b"index 5")),
        ("a negative index", PROOF.replace(b"index 2", b"index -1")),
        ("two extra lines", PROOF.replace(b"index", b"extra AAEC\nextra AAEC\nindex", 1)),
        ("extra data that is not base64", PROOF.replace(b"index", b"extra ?\nindex", 1)),
        ("carriage returns", PROOF.replace(b"\n", b"\r\n")),
        ("a short hash", PROOF.replace(b"index 2\n", b"index 2\nAAEC\n")),
        ("a line that is no hash", PROOF.replace(b"index 2\n", b"index 2\nhash\n")),
        ("letters that are not ASCII", PROOF.replace(b"index 2\n", "index 2\né\n".encode())),
        ("no signature", PROOF.partition("\n— ".encode())[0]),
        ("too large", PROOF + b"x" * 2 * LARGEST_NOTE),
    ],
)
def test_a_proof_file_with_a_defect_is_refused(defect: str, data: bytes) -> None:
    """Whoever made it."""
    with pytest.raises(NoteError):
        parse_proof(data)
    assert defect


def test_more_hashes_than_any_tree_is_high_are_refused() -> None:
    """Before they are decoded."""
    line = base64.b64encode(bytes(32)) + b"\n"
    with pytest.raises(NoteError, match="longer than any tree"):
        parse_proof(PROOF.replace(b"index 2\n", b"index 2\n" + line * 64))


def test_every_changed_byte_of_a_proof_file_is_noticed() -> None:
    """Flip each; not one changed file opens to the same entry."""
    for at in range(len(PROOF)):
        changed = PROOF[:at] + bytes([PROOF[at] ^ 1]) + PROOF[at + 1 :]
        with pytest.raises(NoteError):
            open_proof(changed, ENTRIES[2], [KEY.verifier])


def test_a_proof_that_could_not_be_read_back_is_not_written() -> None:
    """A wrong call is noticed where it is made."""
    with pytest.raises(NoteError, match="outside the checkpoint"):
        format_proof(5, (), SIGNED)
    with pytest.raises(NoteError, match="32 bytes"):
        format_proof(0, (b"short",), SIGNED)


def test_the_text_of_a_note_is_had_without_a_key() -> None:
    """To see what it is about; not to believe it."""
    assert text_of(NOTE.encode()) == TEXT
