"""Signed notes (C2SP signed-note): a text, a blank line, and a line for each signature."""

import base64
from collections.abc import Iterable, Iterator

from archiver.evidence.checkpoints.keys import (
    NoteError,
    SigningKey,
    VerifierKey,
    check_name,
    strict_base64,
)

__all__ = ("NoteError", "open_note", "sign_note", "text_of")

LARGEST_NOTE = 1_000_000
"""Bytes. As Go's implementation; C2SP demands room for at least 16 signatures."""
_MOST_SIGNATURES = 100
_DASH = "— "
_ID_SIZE = 4


def sign_note(text: str, key: SigningKey) -> bytes:
    """Return TEXT as a note signed with KEY; raises NoteError when it cannot be the text of one."""
    _check_characters(text)
    if not text.endswith("\n") or text == "\n":
        raise NoteError("the text of a note is not empty and ends with a newline")
    data = text.encode()
    line = key.verifier.hash.to_bytes(_ID_SIZE) + key.sign(data)
    signature = f"{_DASH}{key.verifier.name} {base64.b64encode(line).decode()}\n"
    note = data + b"\n" + signature.encode()
    if len(note) > LARGEST_NOTE:
        raise NoteError("the note is too large")
    return note


def open_note(note: bytes, keys: Iterable[VerifierKey]) -> str:
    """Return the text of NOTE, which one of KEYS at least has signed.

    Signatures of other keys are passed over. Raises NoteError when the note is malformed, when a
    signature of one of KEYS is wrong, or when none of KEYS has signed it.
    """
    text, lines = _split(note)
    known = {(key.name, key.hash): key for key in keys}
    data = text.encode()
    signed = False
    for name, identity, signature in lines:
        key = known.get((name, identity))
        if key is None:
            continue
        if not key.verifies(signature, data):
            raise NoteError(f"the signature of {name}+{identity:08x} is wrong")
        signed = True
    if not signed:
        raise NoteError("no known key has signed the note")
    return text


def text_of(note: bytes) -> str:
    """Return the text of NOTE, whoever signed it: not to be believed before ``open_note``.

    Raises NoteError when the note is malformed.
    """
    return _split(note)[0]


def _split(note: bytes) -> tuple[str, list[tuple[str, int, bytes]]]:
    """Return the text, and (name, key ID, signature) of each line below it."""
    if len(note) > LARGEST_NOTE:
        raise NoteError("the note is too large")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise NoteError("the note is not UTF-8") from None
    _check_characters(whole)
    text, blank, below = whole.rpartition("\n\n")
    if not blank or not text:
        raise NoteError("the note has no text with a blank line and signatures below it")
    if not below.endswith("\n"):
        raise NoteError("the note ends in the middle of a signature line")
    lines = list(_signatures(below))
    return text + "\n", lines


def _signatures(below: str) -> Iterator[tuple[str, int, bytes]]:
    lines = below[:-1].split("\n")
    if len(lines) > _MOST_SIGNATURES:
        raise NoteError("the note has too many signatures")
    for line in lines:
        name, space, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space:
            raise NoteError("a line below the note's text is no signature")
        check_name(name)
        signature = strict_base64(encoded)
        if len(signature) <= _ID_SIZE:
            raise NoteError("a signature of the note is too short")
        yield name, int.from_bytes(signature[:_ID_SIZE]), signature[_ID_SIZE:]


def _check_characters(text: str) -> None:
    if any(letter < " " and letter != "\n" for letter in text):
        raise NoteError("a note holds no control characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NoteError("the note is not UTF-8") from None
