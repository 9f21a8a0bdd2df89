"""What a grade of origin says in words: what was signed, what was not, and why nothing counts."""

from collections.abc import Mapping
from gettext import gettext as _
from typing import Final

from archiver.model.origin import Seal, Signature

_READING: Final = frozenset(
    {"mime-version", "content-type", "content-transfer-encoding", "content-disposition"}
)
"""Fields that decide how the body reads."""


def covered(signature: Signature, body: str) -> str:
    """Say what SIGNATURE covers; BODY is the word for what it does not cover of the body."""
    texts = _covered_in_part() if uncovered(signature) else _covered_whole()
    reading = not body and _READING & set(signature.unsigned or ())
    return texts["reading" if reading else body].format(domain=signature.domain)


def _covered_whole() -> Mapping[str, str]:
    return {
        "": _("The servers of {domain} signed header and body as they are here"),
        "body-differs": _(
            "The servers of {domain} signed the header as it is here; the body is not as they "
            "signed it, as happens when a server encodes it anew"
        ),
        "body-unsigned": _("The servers of {domain} signed the header and nothing of the body"),
        "body-appended": _(
            "The servers of {domain} signed the header and the beginning of the body; anybody may "
            "have added the rest"
        ),
    }


def _covered_in_part() -> Mapping[str, str]:
    return {
        "": _("The servers of {domain} signed the body and a part of the header"),
        "reading": _(
            "The servers of {domain} signed a part of the header and the bytes of the body, but "
            "not how these are to be read"
        ),
        "body-differs": _(
            "The servers of {domain} signed a part of the header; the body is not as they signed "
            "it, as happens when a server encodes it anew"
        ),
        "body-unsigned": _(
            "The servers of {domain} signed a part of the header and nothing of the body"
        ),
        "body-appended": _(
            "The servers of {domain} signed a part of the header and the beginning of the body; "
            "anybody may have added the rest"
        ),
    }


def uncovered(signed: Signature | Seal) -> tuple[str, ...]:
    """Return a reason for each field that SIGNED leaves out; one when that was not noted."""
    if signed.unsigned is None:
        return ("cover-unknown",)
    return tuple(f"unsigned-{name}" for name in signed.unsigned)


def told_uncovered(signed: Signature | Seal) -> tuple[str, ...]:
    """Name the fields that SIGNED leaves out, as a clause; none when it leaves out none."""
    if signed.unsigned is None:
        return (_("which fields they signed was not noted when it was captured"),)
    names = ", ".join(map(_field, signed.unsigned))
    return (_("not signed: {fields}").format(fields=names),) if names else ()


def _field(name: str) -> str:
    """Write the NAME of a header field as messages do."""
    return "MIME-Version" if name == "mime-version" else name.title()


def by_owner() -> str:
    """Say that nobody else is known to have the key."""
    return _("the key was recorded only by this archive's owner")


def sentence(*clauses: str) -> str:
    """Make one sentence of CLAUSES."""
    whole = clauses[0]
    for clause in clauses[1:]:
        # Translators: two parts of one sentence
        whole = _("{first}; {second}").format(first=whole, second=clause)
    return f"{whole}."


def made_here(kind: str) -> str:
    """Say that nobody can have signed the bytes, which come from an item of KIND."""
    return _(
        "Its bytes were put together here from an item of Outlook ({kind}): what its sender's "
        "servers signed were other bytes, so no signature in it can hold."
    ).format(kind=f".{kind}")


def meanings() -> Mapping[str, str]:
    """Say what each reason means; the first that applies is told."""
    return {
        "not-asked": _("It is signed, but DNS has not answered yet for the key."),
        "older-capture": _(
            "An older version of this program captured what the account's own provider said of "
            "it, and took too much for the provider's word."
        ),
        "sent": _("It is our own copy of what we sent: nobody else signed it."),
        "unsigned": _("Nobody signed it, and no word of the account's own provider says more."),
        "unaligned": _("It is signed, but not by the domain of the person in From."),
        "unsigned-from": _("It is signed, but not who stands in From."),
        "sha1": _("It is signed in a way that is too weak to be believed (SHA-1)."),
        "testing": _("It is signed with a key that its owner published for testing only."),
        "small": _("It is signed with a key that is too short to be believed."),
        "bad-signature": _(
            "It is signed, but the signature does not hold: the header was changed on its way or "
            "later."
        ),
        "no-key": _("It is signed, but no key is published for it, or not any more."),
        "unusable-key": _(
            "It is signed, but what is published as the key cannot be used: it was taken back, is "
            "too short, or is not written as it should be."
        ),
        "malformed": _("It holds a signature that is not written as it should be."),
    }
