"""Sync: what an account holds and the archive does not is fetched, kept and journalled.

The order of writes: each batch is durable before the next is taken; then, once, the journal says
what was looked at; then the cursors, which only save work, are moved.
"""

import contextlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from gettext import gettext as _

from archiver.accounts import Account
from archiver.errors import ArchiverError
from archiver.evidence.scans import last_scan
from archiver.evidence.store import Evidence
from archiver.mailbox.allowance import Allowance
from archiver.mailbox.choice import nothing_new
from archiver.mailbox.line import Line, Patience, StoppedError, never
from archiver.mailbox.past import Manner, Past
from archiver.mailbox.plan import Terms
from archiver.mailbox.server.session import Folder, Session, ThrottledError
from archiver.mailbox.walk import Walk
from archiver.mailbox.wanted import Wanted
from archiver.model.entries import Scan
from archiver.pipeline.around import looked_to
from archiver.pipeline.counts import Intake
from archiver.pipeline.keeper import Events, Keeper, Outage, with_outage
from archiver.pipeline.progress import Progress, silent
from archiver.pipeline.recognise import Recogniser
from archiver.pipeline.tally import errors_before

HEARTBEAT = timedelta(days=1)
OUTAGE = timedelta(days=2)
"""So long without a good sync is told as an outage, even when nobody tried."""

Clock = Callable[[], datetime]
Connect = Callable[[], Session]
Glance = Callable[[], tuple[Folder, ...] | None]


def sync_account(
    evidence: Evidence,
    account: Account,
    *,
    connect: Connect,
    clock: Clock,
    progress: Progress = silent,
    wanted: Wanted | None = None,
    make_wanted: Callable[[], Wanted | None] | None = None,
    stop: Callable[[], bool] = never,
    glance: Glance | None = None,
    full: bool = False,
    patience: Patience | None = None,
    lock_wait: float = 0,
) -> Intake:
    """Fetch and keep what an account holds and the archive does not; nothing is read yet.

    WANTED decides what is fetched; None: everything. MAKE_WANTED makes it, once no other process
    can synchronise the account: what it rests on may have grown until then. STOP is asked between
    batches, also in the thread that fetches, and ends the sync cleanly. GLANCE shows the folders
    and their status at little cost: when nothing changed in any of them, there is no other
    connection. FULL: every folder is enumerated whole. PATIENCE is how a server that throttles is
    waited out, LOCK_WAIT for how many seconds another sync of the account is.

    Raises LockedError when that one takes longer, AuthenticationError, TemporaryNetworkError
    and ConfigurationError as CONNECT does. What was fetched before an error stays kept.
    """
    with evidence.account_lock(account.name, wait=lock_wait):
        start = evidence.size  # what WANTED rests on holds at least this
        wanted = make_wanted() if make_wanted is not None else wanted
        sync = _Sync(evidence, account, clock, wanted, start=start, full=full)
        reason: str | None = _("the synchronisation broke off by a fault of its own")
        try:
            if glance is not None and sync.is_quiet(glance):
                sync.keeper.whole = True
            else:
                sync.run(connect, progress, stop, patience or Patience())
            sync.conclude()
            reason = None
        except ArchiverError as error:
            reason = error.what
            raise
        except KeyboardInterrupt:
            reason = None  # somebody wanted it to end
            raise
        finally:
            # Whatever it was: an attempt of which nothing is remembered would look like none.
            if reason is not None:
                evidence.note_sync(account.name, clock(), good=False, reason=reason)
    return sync.keeper.intake


class _Sync:
    """One synchronisation of one account."""

    def __init__(
        self,
        evidence: Evidence,
        account: Account,
        clock: Clock,
        wanted: Wanted | None,
        *,
        start: int,
        full: bool,
    ) -> None:
        self._start = self._settled = start
        """From where to where the walk looked around what it kept."""
        self._evidence = evidence
        self._account = account
        self._clock = clock
        self._wanted = wanted
        self._rules = wanted.rules if wanted is not None else None
        self._cursors = evidence.cursors(account.name)
        self._terms = Terms(
            now=clock(),
            account=account.name,
            days=account.full_scan_days,
            full=full,
            rules=self._rules.hex if self._rules is not None else "",
        )
        self._recogniser = Recogniser(evidence, account.name)
        self._attempts, self._reason = evidence.trouble_of(account.name)
        _attempt, self._good = evidence.last_syncs().get(account.name, (None, None))
        # With a good sync the journal says of no folder that it could not be looked into.
        errors = self._attempts or self._good is None
        self.keeper = Keeper(
            evidence,
            account.name,
            rules=self._rules,
            cursors=self._cursors,
            recogniser=self._recogniser,
            today=self._today,
            errors=errors_before(evidence, account.name, self._good) if errors else {},
        )

    def is_quiet(self, glance: Glance) -> bool:
        """Tell whether a glance at the account shows that there is nothing to do."""
        if self._terms.full or not self._cursors or self.keeper.errors or self._owed():
            return False
        if self._wanted is not None and self._wanted.unsettled:
            return False  # what came by another way may bring messages that were left
        try:
            folders = glance()
        except ThrottledError:
            return False  # the full connection waits for it
        return folders is not None and nothing_new(
            folders, self._account, self._cursors, self._terms, self._wanted
        )

    def run(
        self, connect: Connect, progress: Progress, stop: Callable[[], bool], patience: Patience
    ) -> None:
        """Walk through the account; what was kept is journalled, however this ends."""
        keeper = self.keeper
        keeper.progress = progress
        try:
            session = patience.dial(connect, stop)
        except StoppedError:
            keeper.intake.stopped = True
            return
        line = Line(session, connect, patience=patience, stop=stop)
        try:
            self._walk(line)
            keeper.intake.stopped = line.stopped
            keeper.whole = not line.stopped
        finally:
            line.hang_up()
            session.close()
            keeper.journal(self._outage())

    def conclude(self) -> None:
        """Say once a day that nothing is new, and remember how it went."""
        keeper, now = self.keeper, self._clock()
        keeper.intake.presumed = len(self._evidence.presumed(self._account.name))
        if self._account.recheck_bytes == 0:
            keeper.intake.recheck = "never"
        elif keeper.intake.presumed and not self._recheck_allowance(self._manner().allowance).left:
            keeper.intake.recheck = "tomorrow"
        if not keeper.whole:
            return
        if not keeper.said:
            last = last_scan(self._evidence, self._account.name)
            outage = self._outage()
            # A clock that was put back leaves entries in the future: they are no heartbeat.
            if last is None or outage is not None or abs(now - last) >= HEARTBEAT:
                scan = Scan(
                    account=self._account.name, folders=(), heartbeat=True, rules=self._rules
                )
                self._evidence.append([with_outage(scan, outage)])
        trouble = keeper.trouble
        if self._wanted is not None and not trouble:
            name = self._account.name
            looked = looked_to(self._evidence, name, self._start, self._settled)
            self._evidence.note_looked(name, looked)
        self._evidence.note_sync(self._account.name, now, good=not trouble, reason=trouble)

    def _walk(self, line: Line) -> None:
        keeper, manner = self.keeper, self._manner()
        walk = Walk(line, self._account, self._past(), manner)
        self._take(walk.through())
        more = True
        while more and self._wanted is not None and self._wanted.unsettled:
            size = self._evidence.size
            self._take(walk.again(keeper.left_uids()))
            more = self._evidence.size > size  # a round that kept nothing is the last
        self._settled = self._evidence.size
        owed = keeper.start_recheck(self._evidence.presumed(self._account.name))
        self._take(walk.recheck(owed, self._recheck_allowance(manner.allowance)))

    def _take(self, events: Events) -> None:
        with contextlib.closing(events):
            for event in events:
                self.keeper.take(event)
                del event  # a large message is not held while the next one comes

    def _past(self) -> Past:
        name = self._account.name
        evidence = self._evidence
        return Past(
            known=lambda folder, epoch: evidence.known_uids(name, folder, epoch),
            present=lambda folder, epoch: evidence.present_uids(name, folder, epoch),
            unkept=lambda folder, epoch: evidence.unkept_uids(name, folder, epoch, self._rules),
            cursors=self._cursors,
            shapes=lambda folder, epoch: evidence.shapes(name, folder, epoch),
            alike=self._recogniser.lookalikes,
        )

    def _manner(self) -> Manner:
        fetched, rechecked = self._evidence.spent(self._account.name, self._today())
        return Manner(
            terms=self._terms,
            wanted=self._wanted,
            spool=self._evidence.spool,
            allowance=Allowance(
                self._account.daily_bytes, spent=fetched + rechecked, today=self._today
            ),
        )

    def _recheck_allowance(self, within: Allowance) -> Allowance:
        _fetched, rechecked = self._evidence.spent(self._account.name, self._today())
        limit = self._account.recheck_bytes
        return Allowance(limit, spent=rechecked, today=self._today, within=within)

    def _owed(self) -> bool:
        """Tell whether messages that are only presumed can be fetched now."""
        presumed = self._evidence.presumed(self._account.name)
        epochs = {name: cursor.status.uidvalidity for name, cursor in self._cursors.items()}
        return any(epochs.get(one.folder) == one.uidvalidity for one in presumed) and (
            self._recheck_allowance(self._manner().allowance).left
        )

    def _outage(self) -> Outage | None:
        """Return what is told of a time without a good sync that ends now; None: none does."""
        if not self.keeper.whole or self.keeper.trouble:
            return None  # it goes on
        long = self._good is not None and self._terms.now - self._good > OUTAGE
        if not (self._attempts or long):
            return None
        return self._good, self._attempts, self._reason

    def _today(self) -> date:
        return self._clock().astimezone(UTC).date()
