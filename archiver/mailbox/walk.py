"""Walk through an account's folders and hand out every message that is not known yet.

The server's reports say where to look; what is fetched is what it lists minus what is known, and
every folder is enumerated whole now and then, whatever the server reported. Whatever goes wrong
with one message or one folder becomes an event and the walk goes on.
"""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from gettext import gettext as _

from archiver.accounts import Account
from archiver.errors import TemporaryNetworkError
from archiver.mailbox.ahead import ahead
from archiver.mailbox.allowance import Allowance
from archiver.mailbox.anew import changed, is_anew
from archiver.mailbox.choice import choose_for, rule_against, shrunk_first
from archiver.mailbox.crops import (
    BATCH,
    BATCH_BYTES,
    Breath,
    Crop,
    Errand,
    Fetched,
    NotFetched,
    Postponed,
    Ration,
)
from archiver.mailbox.events import (
    Event,
    FolderDone,
    FolderFailed,
    FolderLeftOut,
    FolderOpened,
    FoldersListed,
    FolderUnchanged,
    PartDone,
    PartOpened,
)
from archiver.mailbox.harvest import harvest
from archiver.mailbox.line import FolderChangedError, Line, StoppedError
from archiver.mailbox.past import Manner, Past, UidsOf
from archiver.mailbox.plan import STATED, Newer, Terms, Unchanged, Whole, plan
from archiver.mailbox.route import left_by_rule, told
from archiver.mailbox.server.session import Folder, RefusedError, Session, ThrottledError
from archiver.mailbox.survey import Survey, survey
from archiver.mailbox.wanted import NotForbidden
from archiver.model.cursors import Cursor, Status
from archiver.model.uidset import format_uids

__all__ = [
    "Event",
    "Fetched",
    "FolderDone",
    "FolderFailed",
    "FolderLeftOut",
    "FolderOpened",
    "NotFetched",
    "walk",
]

_NO_UIDS = frozenset[int]()
_MANY = 50
"""Messages left in a folder that was not read to its end, from which on they are recognised."""
Uids = frozenset[int]


def walk(
    session: Session,
    account: Account,
    *,
    known: UidsOf,
    batch_messages: int = BATCH,
    batch_bytes: int = BATCH_BYTES,
    reconnect: Callable[[], Session] | None = None,
    prefetch: bool = True,
) -> Generator[Event, None, None]:
    """Yield what is found in ACCOUNT, every folder enumerated whole, batch after batch.

    KNOWN tells the UIDs that need not be fetched, for a folder and a UIDVALIDITY; it is called in
    the caller's thread. A batch holds at most BATCH_MESSAGES messages and, but for a single larger
    one, BATCH_BYTES bytes; with PREFETCH the next batch is fetched while the caller keeps the last.

    A lost connection raises TemporaryNetworkError; what was yielded before is complete. With
    RECONNECT, a lost connection is made anew, and a message or folder that breaks it again and
    again is told as failed and passed over. Sessions made by RECONNECT are closed here, SESSION is
    the caller's.
    """
    line = Line(session, reconnect)
    manner = Manner(
        terms=Terms(now=datetime.now(UTC), account=account.name),
        ration=Ration(batch_messages, batch_bytes),
        prefetch=prefetch,
    )
    try:
        for event in Walk(line, account, Past(known=known, present=known), manner).through():
            if not isinstance(event, FoldersListed):
                yield event
            del event
    finally:
        line.hang_up()


class Walk:
    """A walk through one account over one line."""

    def __init__(self, line: Line, account: Account, past: Past, manner: Manner) -> None:
        """Nothing is asked yet; LINE is its maker's to hang up."""
        self._line = line
        self._account = account
        self._past = past
        self._manner = manner
        self._gmail = False
        self._epochs: dict[str, int] = {}

    def through(self) -> Generator[Event, None, None]:
        """Yield what is found in all folders that are to be fetched.

        Ends early, after whole batches only, when the line is told to stop.
        """
        try:
            folders = self._line.steady(lambda session: session.folders())
            self._gmail = self._line.session.is_gmail
            choice = choose_for(self._account, folders, gmail=self._gmail)
            yield FoldersListed(folders)
            yield from told(choice)
            for folder in shrunk_first(choice.fetch, self._past.cursors):
                if self._line.stopping():
                    return
                yield from self._folder(folder)
        except StoppedError:
            return

    def again(self, left: Mapping[str, Collection[int]]) -> Generator[Event, None, None]:
        """Decide once more on messages that were left, where something that was kept calls for it.

        LEFT are those that this walk left, by folder; those left before are asked for.
        """
        wanted = self._manner.wanted
        if wanted is None or not wanted.unsettled:
            return
        for folder, uidvalidity in self._epochs.items():
            before = self._past.unkept(folder, uidvalidity)
            some = before.union(left.get(folder, ())) - self._past.known(folder, uidvalidity)
            if some and wanted.unsettled:

                def pick(session: Session, folder: str = folder, some: Uids = some) -> list[int]:
                    here = some.intersection(session.uids())
                    return list(wanted.again(folder, here, session.outlines)) if here else []

                yield from self._part(self._errand(folder, uidvalidity, ()), pick)

    def recheck(
        self, uids: Mapping[tuple[str, int], Collection[int]], allowance: Allowance
    ) -> Generator[Event, None, None]:
        """Fetch messages that are known by their attributes only, as far as ALLOWANCE goes."""
        for (folder, uidvalidity), some in uids.items():
            if self._epochs.get(folder) == uidvalidity and allowance.left:
                errand = self._errand(folder, uidvalidity, some)
                ruled = self._manner.wanted
                wanted = NotForbidden(ruled) if ruled is not None else None
                errand = replace(errand, allowance=allowance, wanted=wanted, drafts=True)
                yield from self._part(errand, _just(some))

    def _folder(self, folder: Folder) -> Iterator[Event]:
        cursor = self._past.cursors.get(folder.name)
        terms = self._manner.terms
        if rule := rule_against(self._manner.wanted, folder.name):
            yield left_by_rule(folder, cursor, rule, terms)
            return
        way = plan(folder, cursor, terms)
        if isinstance(way, Unchanged):
            self._epochs[folder.name] = folder.status.uidvalidity if folder.status else 0
            yield FolderUnchanged(folder.name)
            return
        found = self._open(folder.name, way)
        if isinstance(found, Survey):
            anew = is_anew(cursor, folder, found)
            if anew and found.whole is None:
                found = self._open(folder.name, Whole("anew"))
            elif anew or found.whole == "anew":  # STATUS may say so and be wrong
                found = replace(found, whole="anew" if anew else "counts")
        if isinstance(found, FolderFailed):
            yield found
            return
        self._epochs[folder.name] = found.state.uidvalidity
        yield from self._harvest(folder, cursor, found)
        if found.short:
            reason = _("the server has {exists} messages there and lists {listed}").format(
                exists=found.state.exists, listed=len(found.listed)
            )
            yield FolderFailed(folder.name, reason)

    def _harvest(self, folder: Folder, cursor: Cursor | None, found: Survey) -> Iterator[Event]:
        """Hand out what FOUND lists and is not known, and say how far the folder is read then."""
        name, state = folder.name, found.state
        try:
            others = self._others(name, found)
        except RefusedError as error:
            yield FolderFailed(name, error.reason)
            return
        opened, todo = self._opened(folder, cursor, found, others)
        yield opened
        fresh = _is_fresh(cursor, state.uidvalidity) or (
            cursor is not None and not cursor.done and len(todo) >= _MANY
        )
        anew = found.whole == "anew"
        alike = self._past.alike(name, state.uidvalidity, fresh) if todo and not anew else None
        errand = replace(self._errand(name, state.uidvalidity, todo), alike=alike)
        kept: list[int] = []
        failed: list[tuple[int, str]] = []
        whole = not found.short
        try:
            for event in self._reaped(errand):
                match event:
                    case Fetched():
                        kept.extend(event.uids)
                    case NotFetched():
                        failed.append((event.uid, event.reason))
                    case Postponed():
                        whole = False
                yield event
                del event
        except FolderChangedError as error:
            done = FolderDone(name, state.uidvalidity, state.exists, format_uids(kept), ())
            yield replace(done, broken=True)
            yield FolderFailed(name, error.what)
            return
        after = None
        # The cursor of the folder before stays until nothing of the new one is left to be had.
        if not self._line.stopped and (not anew or (whole and not failed)):
            after = self._cursor(folder, cursor, found, done=whole and not failed)
        yield FolderDone(
            name,
            state.uidvalidity,
            state.exists,
            format_uids(kept),
            tuple(failed),
            cursor=after,
            broken=self._line.stopped,
        )

    def _opened(
        self, folder: Folder, cursor: Cursor | None, found: Survey, others: Uids
    ) -> tuple[FolderOpened, list[int]]:
        """Return what is told of a folder that was opened, and its work list.

        OTHERS are known UIDs under which other messages stand now.
        """
        name, uidvalidity = folder.name, found.state.uidvalidity
        known = self._past.known(name, uidvalidity) if found.listed or found.whole else _NO_UIDS
        left = (found.listed - known) | others
        if left and found.whole != "anew":
            left -= self._past.unkept(name, uidvalidity)
        absent = found.gone
        if found.whole and not found.short:
            absent = self._past.present(name, uidvalidity) - found.listed
        fresh = _is_fresh(cursor, uidvalidity)
        missed = _NO_UIDS
        if (
            found.whole
            and cursor is not None
            and not fresh
            and cursor.done
            and found.whole != "anew"
            and (cursor.rules == self._manner.terms.rules)
        ):
            missed = frozenset(uid for uid in left if uid < cursor.status.uidnext)
        opened = FolderOpened(
            name,
            folder.role,
            uidvalidity,
            found.state.exists,
            len(left),
            absent,
            looked=found.listed,
            known=found.listed & known if fresh else _NO_UIDS,
            whole=found.whole,
            missed=missed,
            others=others,
        )
        return opened, sorted(left)

    def _others(self, folder: str, found: Survey) -> Uids:
        """Return the UIDs of a folder that was made anew under which other messages stood."""
        uidvalidity = found.state.uidvalidity
        if found.whole != "anew":
            return _NO_UIDS
        known = found.listed & self._past.known(folder, uidvalidity)
        shapes = self._past.shapes(folder, uidvalidity) if known else {}
        return self._line.steady(lambda session: changed(session, known, shapes))

    def _open(self, folder: str, way: Newer | Whole) -> Survey | FolderFailed:
        """Examine and enumerate FOLDER, a second time when the counts disagree (others delete)."""

        def look(session: Session) -> Survey:
            return survey(session, folder, way, lambda epoch: self._here(folder, epoch))

        self._line.opened = None
        try:
            found = self._line.steady(look)
            if found.short:
                found = self._line.steady(look)
        except RefusedError as error:
            return FolderFailed(folder, error.reason)
        except ThrottledError:
            raise
        except TemporaryNetworkError as error:
            self._line.redial(error)  # raises when the network, not the folder, is at fault
            reason = _("the connection broke when the folder was opened ({what})")
            return FolderFailed(folder, reason.format(what=error.what))
        self._line.opened = (folder, found.state.uidvalidity)
        return found

    def _here(self, folder: str, uidvalidity: int) -> frozenset[int]:
        return self._past.present(folder, uidvalidity) | self._past.unkept(folder, uidvalidity)

    def _part(self, errand: Errand, pick: Callable[[Session], Sequence[int]]) -> Iterator[Event]:
        """Open the folder of ERRAND once more and fetch what PICK says; not in another epoch."""
        if self._line.stopping():
            return
        folder = errand.folder
        self._line.opened = None
        try:
            state = self._line.steady(lambda session: session.examine(folder))
            if state.uidvalidity != errand.uidvalidity:
                return  # told when it is walked through the next time
            self._line.opened = (folder, state.uidvalidity)
            uids = self._line.steady(pick)
            yield PartOpened(folder, state.uidvalidity, len(uids))
            yield from self._reaped(replace(errand, uids=uids))
        except RefusedError as error:
            yield FolderFailed(folder, error.reason)
        except FolderChangedError as error:
            yield FolderFailed(folder, error.what)
        except StoppedError:
            return
        yield PartDone(folder)

    def _errand(self, folder: str, uidvalidity: int, uids: Collection[int]) -> Errand:
        manner = self._manner
        return Errand(
            account=self._account.name,
            folder=folder,
            uidvalidity=uidvalidity,
            uids=sorted(uids),
            ration=manner.ration,
            allowance=manner.allowance,
            wanted=manner.wanted,
            drafts=not self._gmail or bool(self._account.folders),
            spool=manner.spool,
        )

    def _reaped(self, errand: Errand) -> Iterator[Event]:
        crops: Generator[Crop, None, None] = harvest(self._line, errand)
        if self._manner.prefetch:
            crops = ahead(crops, abort=self._line.abort)
        with closing(crops):
            for crop in crops:
                if not isinstance(crop, Breath):
                    yield crop
                del crop  # a large one is not held while the next one comes

    def _cursor(
        self, folder: Folder, before: Cursor | None, found: Survey, *, done: bool
    ) -> Cursor | None:
        """Return how far FOLDER is read now; None when the server gives too little to go by."""
        state, status, terms = found.state, folder.status, self._manner.terms
        same = status is not None and status.uidvalidity == state.uidvalidity
        uidnext = state.uidnext or (status.uidnext if status is not None and same else None)
        if not uidnext:
            return None
        whole = terms.now
        if before is not None and not _is_fresh(before, state.uidvalidity):
            whole = terms.now if found.whole in STATED else before.whole
        return Cursor(
            folder=folder.name,
            status=Status(
                uidvalidity=state.uidvalidity,
                uidnext=uidnext,
                exists=state.exists,
                modseq=state.modseq,
                mailbox_id=state.mailbox_id or (status.mailbox_id if status is not None else ""),
            ),
            whole=whole,
            done=done,
            rules=terms.rules,
        )


def _just(uids: Collection[int]) -> Callable[[Session], Sequence[int]]:
    return lambda _session: sorted(uids)


def _is_fresh(cursor: Cursor | None, uidvalidity: int) -> bool:
    """Tell whether the folder was never read to its end in this epoch."""
    return cursor is None or cursor.status.uidvalidity != uidvalidity
