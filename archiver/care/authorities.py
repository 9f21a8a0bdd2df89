"""Add and remove time-stamp authorities in ``archive.toml`` on behalf of a person."""

from dataclasses import dataclass
from datetime import datetime
from gettext import gettext as _

from archiver.authorities import Authority
from archiver.care.settings_edit import cut
from archiver.care.working_copies import SETTINGS, read, save
from archiver.config import Settings, find_authority, parse_settings, problems_of, with_authority
from archiver.errors import UsageError
from archiver.evidence.stamps.attempts import Waiting, forget, waiting
from archiver.evidence.stamps.entries import dated_anchors
from archiver.evidence.stamps.rfc3161 import Root, is_authority, read_roots
from archiver.evidence.store import Evidence

_LARGEST = 1 << 18  # bytes of a root certificate's file


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An authority, and how it went with it so far."""

    authority: Authority
    roots: tuple[Root, ...]
    """Empty when what stands in ``archive.toml`` cannot be read as certificates."""
    last: datetime | None
    """When it last dated a checkpoint, by its own clock."""
    waiting: Waiting | None


def add_authority(
    evidence: Evidence, name: str, *, url: str, root: bytes, qualified: bool, actor: str
) -> State:
    """Write an authority into ``archive.toml``, its ROOT pinned (PEM or DER), and journal it.

    Raises UsageError for a name that is taken or for anything that is wrong, all at once;
    LockedError when another process is changing working copies.
    """
    roots, wrong = _pinned(root)
    pem = "".join(each.pem for each in roots) if roots else root.decode("utf-8", "replace")
    authority = Authority(name=name, url=url, root=pem, qualified=qualified)
    with evidence.config_lock():
        after = with_authority(read(evidence, SETTINGS), authority)
        problems = [*problems_of(after), *wrong]
        if problems:
            raise UsageError(
                "\n  ".join((_("This time-stamp authority cannot be added:"), *problems)),
                advice=_("Correct these values, then run the command again. Nothing was written."),
            )
        save(evidence, SETTINGS, after, actor=actor)
    return State(authority=authority, roots=roots, last=None, waiting=None)


def remove_authority(evidence: Evidence, name: str, *, actor: str) -> None:
    """Take the authority NAME out of ``archive.toml``; its stamps stay and are still checked.

    Raises UsageError when there is none.
    """
    with evidence.config_lock():
        before = read(evidence, SETTINGS)
        settings = parse_settings(before)
        find_authority(settings, name)
        wanted = tuple(each for each in settings.authorities if each.name != name)
        after = cut(before, "authority", name)
        if after is None or problems_of(after) or parse_settings(after).authorities != wanted:
            raise UsageError(
                _("The authority {name} is written in a way that no command can change.").format(
                    name=name
                ),
                advice=_(
                    "Remove [authority.{name}] from archive.toml with any text editor."
                ).format(name=name),
            )
        save(evidence, SETTINGS, after, actor=actor)
    forget(evidence, name)


def states(evidence: Evidence, settings: Settings) -> tuple[State, ...]:
    """Tell how it went with each authority that is configured."""
    last = {anchor.authority: anchor.time for _position, anchor, _at in dated_anchors(evidence)}
    put_off = {each.authority: each for each in waiting(evidence)}
    return tuple(
        State(
            authority=authority,
            roots=_readable(authority.root.encode()),
            last=last.get(authority.name),
            waiting=put_off.get(authority.name),
        )
        for authority in settings.authorities
    )


def _readable(pem: bytes) -> tuple[Root, ...]:
    try:
        return read_roots(pem)
    except ValueError:
        return ()


def _pinned(data: bytes) -> tuple[tuple[Root, ...], list[str]]:
    """Read the certificates that a person wants to pin, and say what speaks against them."""
    if b"PRIVATE KEY" in data:
        return (), []  # the settings say so, whatever else is in the file
    if len(data) > _LARGEST:
        return (), [_("root: the file is too large for a certificate")]
    roots = _readable(data)
    if not roots:
        return (), [_("root: the file holds no certificate that can be read (PEM or DER)")]
    problems = [
        _("root: {subject} may not sign other certificates").format(subject=root.subject)
        for root in roots
        if not is_authority(root.pem) and not root.anchor
    ]
    if not any(root.anchor for root in roots):
        problems.append(
            _(
                "root: {subject} is not the end of its chain, which signs itself; get that "
                "certificate from the authority"
            ).format(subject=roots[0].subject)
        )
    return roots, problems
