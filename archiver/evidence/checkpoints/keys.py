"""Keys of signed notes (C2SP signed-note): Ed25519, named, told apart by a short hash.

The one module that speaks to ``cryptography`` for signatures. The library is loaded when something
is signed or verified.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

SEED_SIZE = 32
SIGNATURE_SIZE = 64
_PUBLIC_SIZE = 32
_ED25519 = b"\x01"
"""The signature type that C2SP signed-note assigns to Ed25519."""
_LONGEST_NAME = 255
_HASH = re.compile(r"[0-9a-f]{8}\Z")


class NoteError(ValueError):
    """A note, or the key of one, that is not as C2SP says, or that nobody we know has signed."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key, as others are given it."""

    name: str
    hash: int
    """The key ID: the first 4 bytes of SHA-256(name || newline || 0x01 || public)."""
    public: bytes
    """32 bytes (RFC 8032)."""

    def __post_init__(self) -> None:
        """Refuse what C2SP does not allow; raises NoteError."""
        check_name(self.name)
        if len(self.public) != _PUBLIC_SIZE:
            raise NoteError("an Ed25519 public key is 32 bytes long")
        if self.hash != _key_hash(self.name, self.public):
            raise NoteError("the key's hash is not that of its name and bytes")

    @classmethod
    def of(cls, name: str, public: bytes) -> Self:
        """Name a PUBLIC key; raises NoteError."""
        return cls(name, _key_hash(name, public), public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``name+hash+base64(0x01 || public)``; raises NoteError."""
        parts = text.split("+", 2)  # the base64 may hold a + as well, a name never
        if len(parts) != 3 or not _HASH.match(parts[1]):  # noqa: PLR2004 - as written above
            raise NoteError("a verifier key is name+hash+base64")
        encoded = strict_base64(parts[2])
        if encoded[:1] != _ED25519:
            raise NoteError("the key is not an Ed25519 key")
        return cls(parts[0], int(parts[1], 16), encoded[1:])

    def __str__(self) -> str:
        encoded = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.hash:08x}+{encoded}"

    @property
    def digest(self) -> str:
        """SHA-256 of the key as it is written: its fingerprint, as ``verify.py --key`` takes it."""
        return sha256(str(self).encode()).hexdigest()

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Tell whether SIGNATURE over DATA was made with this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if len(signature) != SIGNATURE_SIZE:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, data)
        except (InvalidSignature, ValueError):  # ValueError: the bytes are no point of the curve
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that can sign. Its seed is shown nowhere, not even when the object is printed."""

    verifier: VerifierKey
    _seed: bytes = field(repr=False)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Self:
        """Make the key of NAME from its 32 secret bytes; raises NoteError."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if len(seed) != SEED_SIZE:
            raise NoteError("the seed of an Ed25519 key is 32 bytes long")
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        return cls(VerifierKey.of(name, public), seed)

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the signature: always the same ones for the same DATA."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self._seed).sign(data)


def check_name(name: str) -> None:
    """Raise NoteError unless NAME may name a key: no space, no plus, no control character."""
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise NoteError("a key's name has 1 to 255 characters")
    if any(letter == "+" or letter.isspace() or letter < " " for letter in name):
        raise NoteError("a key's name holds no space, plus or control character")


def strict_base64(text: str) -> bytes:
    """Decode TEXT, the one standard form (RFC 4648, section 4) of some bytes; raises NoteError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("not base64") from None
    if base64.b64encode(data).decode() != text:
        raise NoteError("not the standard form of base64")
    return data


def _key_hash(name: str, public: bytes) -> int:
    digest = sha256(name.encode(errors="surrogatepass") + b"\n" + _ED25519 + public).digest()
    return int.from_bytes(digest[:4])
