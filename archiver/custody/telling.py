"""What a journal entry says, in plain words for the archive's owner."""

from collections.abc import Iterable, Iterator, Sequence
from gettext import gettext as _
from gettext import ngettext

from archiver.model.anchors import Anchor, KeyRotate, Restore
from archiver.model.custody import Emptied, Erase, Erased, Hold, Note, Release, Restrict
from archiver.model.entries import (
    Config,
    Epoch,
    Export,
    FolderChange,
    Genesis,
    Payload,
    Record,
    Scan,
    Sighting,
    Tag,
    Undo,
    Untag,
    Vanished,
)
from archiver.model.intervals import Intervals
from archiver.model.origin import KeySeen, Origin
from archiver.model.sources import FileSource, HandSource, ImapSource, Source
from archiver.model.uidset import parse_uids


def say(payload: Payload, *, records: int = 1) -> str:  # noqa: C901, PLR0911, PLR0912 - one per type
    """Say what PAYLOAD did; RECORDS is how many records a decision of several entries is about."""
    match payload:
        case Genesis():
            return _("The archive was made.")
        case Record(size=size):
            return ngettext("Kept, {size} byte.", "Kept, {size} bytes.", size).format(size=size)
        case Sighting():
            return _seen(payload)
        case Epoch():
            return _epoch(payload)
        case Scan():
            return _scan(payload)
        case Vanished():
            return _vanished(payload)
        case FolderChange():
            return _folder_change(payload)
        case Config(name=name, object=None):
            return _("{name} was removed.").format(name=name)
        case Config(name=name):
            return _("{name} was written or changed.").format(name=name)
        case Tag(engagement=slug):
            return ngettext(
                "{n} record was said to belong to {slug}.",
                "{n} records were said to belong to {slug}.",
                records,
            ).format(n=records, slug=slug)
        case Untag(engagement=slug):
            return ngettext(
                "{n} record was said not to belong to {slug}.",
                "{n} records were said not to belong to {slug}.",
                records,
            ).format(n=records, slug=slug)
        case Undo(entry=entry):
            return _("The decision of entry {entry} was taken back.").format(entry=entry)
        case Export():
            return _export(payload)
        case Origin(complete=True):
            return _("Its origin was captured: signatures, keys, what its provider said.")
        case Origin():
            return _("Its origin was captured in part: not every key was answered for.")
        case KeySeen(name=name):
            return _("The key {name} was captured.").format(name=name)
        case _:
            return _say_custody(payload)


def _say_custody(payload: Payload) -> str:  # noqa: PLR0911 - one per type
    match payload:
        case KeyRotate(reason=reason):
            return _key(reason)
        case Anchor(authority=authority, time=time, size=size):
            return _("{authority} time-stamped what stood before entry {size}: {time}.").format(
                authority=authority, size=size, time=time.isoformat(timespec="seconds")
            )
        case Restore(size=size):
            return _(
                "A person went on with an older copy: a state of {size} entries had been signed."
            ).format(size=size)
        case Note(entry=entry):
            return _("Words about entry {entry}.").format(entry=entry)
        case Hold() | Restrict() | Release():
            return _say_kept_back(payload)
        case Erase() | Erased() | Emptied():
            return _say_erased(payload)
        case _:
            return _("An entry that this version does not know.")


def _say_kept_back(payload: Hold | Restrict | Release) -> str:
    match payload:
        case Hold(engagement=None, records=held):
            return ngettext(
                "{n} record was put on hold: it is not to be erased.",
                "{n} records were put on hold: they are not to be erased.",
                len(held),
            ).format(n=len(held))
        case Hold(engagement=slug):
            return _("Engagement {slug} was put on hold: nothing of it is to be erased.").format(
                slug=slug
            )
        case Restrict():
            return _("A record was withheld from dossiers.")
        case Release(record=None, entry=entry):
            return _("The hold or withholding of entry {entry} was ended.").format(entry=entry)
        case Release():
            return _("A record was let out: it may stand in dossiers.")


def _say_erased(payload: Erase | Erased | Emptied) -> str:
    match payload:
        case Erase(records=records, basis=basis):
            return ngettext(
                "{n} record is to be erased: {basis}",
                "{n} records are to be erased: {basis}",
                len(records),
            ).format(n=len(records), basis=basis)
        case Erased(erase=entry):
            return _("The erasure of entry {entry} was completed.").format(entry=entry)
        case Emptied(erase=entry):
            return _("What stood here was erased under entry {entry}.").format(entry=entry)


def _seen(sighting: Sighting) -> str:
    said = _seen_at(sighting.source)
    if sighting.match == "attributes":
        said += " " + _("Presumed: it was known by its attributes, its bytes were not read again.")
    return said


def _seen_at(source: Source) -> str:
    match source:
        case ImapSource(account=account, folder=folder, uid=uid, labels=labels):
            said = _("Seen in {folder} of {account} (UID {uid}).").format(
                folder=folder, account=account, uid=uid
            )
            return _labelled(said, labels)
        case FileSource(path=path, member=member, labels=labels):
            said = _("Read from {path}, message {number}.").format(path=path, number=member + 1)
            if source.folder:
                said += " " + _("It stood in {folder}.").format(folder=source.folder)
            if source.made_from:
                said += " " + _(
                    "It was put together from a {kind} item: these are not the bytes sent."
                ).format(kind=source.made_from.upper())
            return _labelled(said, labels)
        case HandSource():
            return _("Handed in by a person.")


def _labelled(said: str, labels: Sequence[str]) -> str:
    if not labels:
        return said
    return f"{said} " + _("Labels: {names}.").format(names=", ".join(labels))


def _epoch(epoch: Epoch) -> str:
    if epoch.previous is None:
        return _("Folder {folder} of {account} was met for the first time.").format(
            folder=epoch.folder, account=epoch.account
        )
    return _("The server numbered folder {folder} of {account} anew.").format(
        folder=epoch.folder, account=epoch.account
    )


def _scan(scan: Scan) -> str:
    if scan.heartbeat:
        said = _("Synchronised {account}: nothing new.").format(account=scan.account)
        return " ".join((said, *_outage(scan)))
    # Of what was looked at: those that came, those that were kept before, and those presumed.
    here = _count(folder.kept for folder in scan.folders)
    said = ngettext(
        "Synchronised {account}: {n} message is here or presumed to be.",
        "Synchronised {account}: {n} messages are here or presumed to be.",
        here,
    ).format(account=scan.account, n=here)
    return " ".join((said, *_not_kept(scan), *_outage(scan)))


def _count(sets: Iterable[str]) -> int:
    return sum(len(Intervals.parse(uids)) for uids in sets)


def _not_kept(scan: Scan) -> Iterator[str]:
    unkept = _count(uids for folder in scan.folders for _rule, uids in folder.unkept)
    near = _count(uids for folder in scan.folders for _rule, uids in folder.near)
    failed = sum(len(folder.failed) for folder in scan.folders)
    postponed = _count(folder.postponed for folder in scan.folders)
    if unkept:
        yield ngettext(
            "By the rules {n} was not kept.", "By the rules {n} were not kept.", unkept
        ).format(n=unkept)
    if near:
        yield ngettext(
            "{n} of them was nearly kept.", "{n} of them were nearly kept.", near
        ).format(n=near)
    if postponed:
        yield ngettext(
            "{n} was left for another day: the day's volume was spent.",
            "{n} were left for another day: the day's volume was spent.",
            postponed,
        ).format(n=postponed)
    if failed:
        yield ngettext("{n} could not be fetched.", "{n} could not be fetched.", failed).format(
            n=failed
        )


def _outage(scan: Scan) -> Iterator[str]:
    """Tell of the time before this scan in which no synchronisation went well."""
    if scan.since is None and scan.attempts:
        yield _("There was no good one before.")
    if scan.since is not None:
        yield _("The last good one was on {date}.").format(
            date=scan.since.isoformat(timespec="minutes")
        )
    if scan.attempts:
        yield ngettext(
            "It was tried {n} time in vain.", "It was tried {n} times in vain.", scan.attempts
        ).format(n=scan.attempts)
    if scan.reason:
        yield _("The last time: {reason}.").format(reason=scan.reason.rstrip("."))


def _folder_change(said: FolderChange) -> str:
    what = {
        "gone": _("Folder {folder} of {account} is no longer on the server; what was kept stays."),
        "renamed": _("Folder {previous} of {account} is called {folder} now."),
        "back": _("Folder {folder} of {account} is on the server again."),
    }[said.change]
    return what.format(folder=said.folder, account=said.account, previous=said.previous)


def _vanished(vanished: Vanished) -> str:
    count = len(parse_uids(vanished.uids))
    return ngettext(
        "{n} message is no longer in {folder} of {account}; it is kept here.",
        "{n} messages are no longer in {folder} of {account}; they are kept here.",
        count,
    ).format(n=count, folder=vanished.folder, account=vanished.account)


def _export(export: Export) -> str:
    count = len(export.numbers)
    if not export.engagement:
        said = _("The proof of a record was written.")
    else:
        said = ngettext(
            "A dossier of {slug} was written: {n} exhibit.",
            "A dossier of {slug} was written: {n} exhibits.",
            count,
        ).format(slug=export.engagement, n=count)
    if export.recipient:
        said += " " + _("It is for {recipient}.").format(recipient=export.recipient)
    return said


def _key(reason: str) -> str:
    said = {
        "first": _("The key that signs the archive was made."),
        "rotated": _("A person changed the key that signs the archive."),
        "lost": _("The key that signs the archive was made anew: the old one was lost."),
        "restored": _("The key that signs the archive was made anew after a restore."),
    }
    return said.get(reason, _("The key that signs the archive was changed."))


def say_kept(records: int, sightings: int, where: str) -> str:
    """Say that RECORDS were kept at once, and seen SIGHTINGS times; WHERE may be empty."""
    said = ngettext("{n} record was kept", "{n} records were kept", records).format(n=records)
    if where:
        said = _("{said} ({where})").format(said=said, where=where)
    again = sightings - records
    if again > 0:
        more = ngettext(
            "{n} known one was seen in another place",
            "{n} known ones were seen in other places",
            again,
        ).format(n=again)
        said = _("{said}; {more}").format(said=said, more=more)
    return f"{said}."


def say_origins(count: int) -> str:
    """Say that the origin of COUNT records was captured at once."""
    return ngettext(
        "The origin of {n} record was captured.", "The origin of {n} records was captured.", count
    ).format(n=count)


def where(sighting: Sighting) -> str:
    """Name what a batch of records came from."""
    match sighting.source:
        case ImapSource(account=account):
            return account
        case FileSource():
            return _("from files")
        case HandSource():
            return _("by hand")
