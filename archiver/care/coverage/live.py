"""Compare what is known of an account with what its server says now; nothing is fetched or kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from gettext import gettext as _
from typing import Literal

from archiver.accounts import Account, Never
from archiver.engagements.never import NeverRules
from archiver.errors import ArchiverError, AuthenticationError
from archiver.mailbox.folders import Choice, choose
from archiver.mailbox.server.session import Folder, RefusedError, Session
from archiver.model.coverage import NOTHING, AccountCoverage, Epoch
from archiver.model.intervals import Intervals
from archiver.model.reading import Reading
from archiver.reading import read

_HEADERS = 100
"""Messages whose header fields are asked for at a time."""
_NEAREST = 200
"""Near misses of a folder that are shown, the newest."""
_FIELDS = ("Date", "From", "Subject")

Why = Literal["role", "foreign", "rule", "label", "not-named"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A message on the server that a rule nearly kept; its header fields are not stored."""

    folder: str
    uid: int
    rule: str
    date: datetime | None
    from_: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A folder that is not looked into, and why."""

    folder: str
    role: str
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFolder:
    """A folder as the server shows it now, against what is known of it."""

    folder: str
    uidvalidity: int
    exists: int
    """How many messages the server says it has."""
    listed: int
    """How many it lists."""
    known: Epoch | None
    """None: this folder, or this UIDVALIDITY, was never looked into."""
    new: Intervals = NOTHING
    """Arrived since the last synchronisation: UIDs above all that were looked at."""
    missing: Intervals = NOTHING
    """On the server, not above those looked at, and nothing here says anything of them."""
    waiting: Intervals = NOTHING
    """Known, and still to be fetched: failed, postponed, or not reached."""
    gone: Intervals = NOTHING
    """Kept, and no longer on the server, since the last synchronisation."""
    back: Intervals = NOTHING
    """Kept, gone from the server once, and there again."""
    problem: str = ""
    """Why it could not be looked into; then the rest says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAccount:
    """An account as its server shows it now."""

    account: str
    folders: tuple[LiveFolder, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    absent: tuple[str, ...] = ()
    """Folders that were looked into and that the server no longer lists."""
    near: tuple[NearMiss, ...] = ()
    problem: str = ""
    """Why the server could not be asked, or not to the end."""
    advice: str = ""
    exit_code: int = 0
    """Of that problem, as ``sync`` would give it."""


def look(
    account: Account,
    known: AccountCoverage | None,
    *,
    connect: Callable[[], Session],
    never: Never,
    progress: Callable[[str, int, int | None], None] = lambda _what, _done, _total: None,
) -> LiveAccount:
    """Ask the server of ACCOUNT what it has, read-only, and compare with what is KNOWN.

    What goes wrong with one folder, or with the whole, is told in the answer and raises nothing.
    """
    try:
        session = connect()
    except ArchiverError as error:
        return _failed(account, error)
    walk = _Look(session, account, known, never)
    try:
        return walk.through(progress)
    except RefusedError as error:
        return _failed(account, _refused(account, error), walk.folders)
    except ArchiverError as error:
        return _failed(account, error, walk.folders)
    finally:
        session.close()


def _failed(
    account: Account, error: ArchiverError, folders: Sequence[LiveFolder] = ()
) -> LiveAccount:
    return LiveAccount(
        account=account.name,
        folders=tuple(folders),
        problem=error.what,
        advice=error.advice,
        exit_code=error.exit_code,
    )


def _refused(account: Account, error: RefusedError) -> ArchiverError:
    return AuthenticationError(
        _("The server of account {name} does not list its folders: {reason}.").format(
            name=account.name, reason=error.reason
        ),
        advice=_("Run `archiver account test {name}`.").format(name=account.name),
    )


class _Look:
    """One walk through the folders of an account, looking only."""

    def __init__(
        self, session: Session, account: Account, known: AccountCoverage | None, never: Never
    ) -> None:
        self.folders: list[LiveFolder] = []
        self._session = session
        self._account = account
        self._epochs = known.epochs if known else ()
        self._never = NeverRules(never)
        self._near: list[NearMiss] = []

    def through(self, progress: Callable[[str, int, int | None], None]) -> LiveAccount:
        listed = self._session.folders()
        account = self._account
        choice = choose(
            listed, account.folders, others=account.others, gmail=self._session.is_gmail
        )
        fetched = [each for each in choice.fetch if not self._forbidden(each)]
        for number, folder in enumerate(fetched):
            progress(f"{account.name}/{folder.name}", number, len(fetched))
            self._folder(folder.name)
        progress(account.name, 1, 1)
        there = {each.name for each in listed}
        return LiveAccount(
            account=account.name,
            folders=(*self.folders, *map(_nowhere, choice.missing)),
            left_out=tuple(self._left_out(listed, choice)),
            absent=tuple(
                dict.fromkeys(
                    each.folder
                    for each in self._epochs
                    if each.ended is None and each.folder not in there
                )
            ),
            near=tuple(self._near),
        )

    def _forbidden(self, folder: Folder) -> bool:
        return self._never.meets_folder(self._account.name, folder.name)

    def _left_out(self, listed: Sequence[Folder], choice: Choice) -> Iterator[LeftOut]:
        fetched, labels = set(choice.fetch), set(choice.elsewhere)
        for folder in listed:
            why: Why | None = None
            if not folder.selectable:
                continue
            if self._forbidden(folder):
                why = "rule"
            elif folder in fetched:
                continue
            elif folder in labels:
                why = "label"
            elif self._account.folders:
                why = "not-named"
            else:
                why = "foreign" if folder.foreign else "role"
            yield LeftOut(folder=folder.name, role=folder.role or "", why=why)

    def _folder(self, name: str) -> None:
        try:
            state = self._session.examine(name)
            uids = Intervals.of(self._session.uids())
        except RefusedError as error:
            self.folders.append(_unreadable(name, error.reason))
            return
        epoch = next(
            (
                each
                for each in self._epochs
                if each.folder == name and each.uidvalidity == state.uidvalidity
            ),
            None,
        )
        self.folders.append(compared(name, state.uidvalidity, state.exists, uids, epoch))
        if epoch is not None:
            self._near += self._near_misses(epoch, uids)

    def _near_misses(self, epoch: Epoch, there: Intervals) -> Iterator[NearMiss]:
        """Ask for the header fields of what was nearly kept, the newest."""
        rules = {uid: each.rule for each in epoch.near for uid in each.uids & there}
        uids = sorted(rules)[-_NEAREST:]
        for first in range(0, len(uids), _HEADERS):
            try:
                found = self._session.headers(uids[first : first + _HEADERS], _FIELDS)
            except RefusedError:
                return
            for uid in sorted(found):
                if uid in rules:
                    yield _near_miss(epoch.folder, uid, rules[uid], found[uid])


def _near_miss(folder: str, uid: int, rule: str, header: bytes) -> NearMiss:
    reading = read(header)
    if not isinstance(reading, Reading):
        return NearMiss(folder=folder, uid=uid, rule=rule, date=None, from_="", subject="")
    return NearMiss(
        folder=folder,
        uid=uid,
        rule=rule,
        date=reading.date,
        from_=", ".join(map(str, reading.from_)),
        subject=reading.subject,
    )


def _unreadable(folder: str, problem: str) -> LiveFolder:
    return LiveFolder(folder=folder, uidvalidity=0, exists=0, listed=0, known=None, problem=problem)


def _nowhere(folder: str) -> LiveFolder:
    return _unreadable(folder, _("there is no such folder on the server"))


def compared(
    folder: str, uidvalidity: int, exists: int, there: Intervals, epoch: Epoch | None
) -> LiveFolder:
    """Say how the UIDs that are THERE differ from what EPOCH knows."""
    if epoch is None:
        return LiveFolder(
            folder=folder,
            uidvalidity=uidvalidity,
            exists=exists,
            listed=len(there),
            known=None,
            missing=there,
        )
    held = epoch.kept | epoch.presumed | epoch.erased
    waiting = epoch.failing | epoch.postponed | epoch.not_reached
    unknown = there - held - epoch.unkept_uids - waiting
    old = unknown.below(epoch.looked.highest)
    vanished = epoch.vanished_uids
    return LiveFolder(
        folder=folder,
        uidvalidity=uidvalidity,
        exists=exists,
        listed=len(there),
        known=epoch,
        new=unknown - old,
        missing=old,
        waiting=waiting & there,
        # A list that is shorter than the server says makes nothing vanish.
        gone=(held - epoch.erased - vanished - there) if len(there) >= exists else NOTHING,
        back=vanished & there,
    )
