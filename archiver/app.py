"""The composition root: the only place that chooses concrete classes.

Heavy modules are imported inside functions, so that a command loads no more than it needs.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from archiver import SOFTWARE
from archiver.errors import ArchiverError, NoArchiveError, OperationError
from archiver.opened import Clock, utc_now
from archiver.pipeline.progress import Progress, silent
from archiver.trust import Trusted

if TYPE_CHECKING:
    from archiver.accounts import Account
    from archiver.care.tokens import TokenStore
    from archiver.catalogue.catalogue import Catalogue
    from archiver.custody.erase import Done, Plan
    from archiver.engagements.engagement import Engagement
    from archiver.evidence.checkpoints.outside import Outside
    from archiver.evidence.store import Evidence
    from archiver.mailbox.oauth.grants import Client
    from archiver.mailbox.oauth.wire import Reply
    from archiver.mailbox.secrets import Secret
    from archiver.mailbox.server.session import Folder, Session
    from archiver.mailbox.wanted import Wanted
    from archiver.model.digest import Position
    from archiver.model.findings import Report
    from archiver.model.withholding import Withholding
    from archiver.pipeline.quiet import Peek

    Openers = tuple[Callable[[], Session], Callable[[], tuple[Folder, ...] | None]]
    """What connects to an account, and what only glances at its folders."""


T = TypeVar("T")


class Archive(Trusted):
    """An archive and everything that is done with it as a whole."""

    def withheld(
        self, records: "Iterable[Position]", *engagements: "Engagement"
    ) -> "Mapping[Position, Withholding]":
        """Return those of RECORDS that no dossier of ENGAGEMENTS shows, and why."""
        from archiver.custody.withheld import Matcher, find_withheld, sources_of

        rules = ((each.slug, each.withheld) for each in engagements)
        return find_withheld(
            self.evidence,
            self.catalogue,
            records,
            Matcher(sources_of(self.copies.settings.withheld, rules)),
            progress=lambda done, total: self.progress("read", done, total),
        )

    def erase(self, plan: "Plan", *, basis: str) -> "Done":
        """Erase what PLAN says, under the legal BASIS; catalogue and index are made anew.

        Raises OperationError, and erases nothing, when the journal cannot be signed before.
        """
        from archiver.custody.erase import carry_out

        if not self.checkpoint():
            raise OperationError(
                _("The journal could not be signed, so nothing was erased."),
                advice=_("Mend what was told before, then run the command again."),
            )
        done = carry_out(
            self.evidence,
            plan,
            basis=basis,
            actor=self.actor,
            checkpoint=self._sign,
            forget=self.projections.forget,
        )
        self.reread_copies()
        self.projections.rebuild()
        self.checkpoint()
        return done

    def _sign(self) -> None:
        self.checkpoint()  # what is wrong is told

    # --- mailbox ---------------------------------------------------------------------------------

    def connector(
        self,
        account: "Account",
        *,
        prompt: Callable[[str], str] | None,
        environ: Mapping[str, str] = os.environ,
    ) -> "Callable[[], Session]":
        """Return a function that connects, and connects again; a password is asked for once.

        What opens the account is looked for in ENVIRON, which its commands are given as well; an
        access token is renewed when it ends, or once when the server refuses it. The function may
        be called in another thread, by one at a time.
        """
        return self.dialler(account, prompt=prompt, environ=environ)[0]

    def dialler(
        self,
        account: "Account",
        *,
        prompt: Callable[[str], str] | None,
        environ: Mapping[str, str] = os.environ,
    ) -> "Openers":
        """Return what ``connector`` does, and a function that glances at the account's folders."""
        # The store is found here: a daemon connects in threads, which the journal is not open to.
        store = self.tokens if account.oauth is not None else None
        return _openers(account, store, prompt, environ, self.clock)

    def wanted(self, account: "Account") -> "Wanted | None":
        """Return what decides which messages of ACCOUNT are fetched; None: all of them are.

        Raises OperationError when the catalogue, in which threads are looked up, cannot be had, and
        LockedError when another process is bringing it level for longer than can be waited.
        """
        copies = self.copies
        if account.keep == "everything" and not copies.settings.never:
            return None
        from archiver.pipeline.wanting import make_wanted

        def level_catalogue() -> "Catalogue":
            self.projections.drop()  # the journal may have grown since it was opened
            catalogue = self.catalogue
            if not self.projections.left_to_another:
                return catalogue
            # Threads decide on what is fetched: what is not known to it yet would be left.
            self.level(insist=True)
            return self.catalogue

        return make_wanted(
            self.evidence,
            level_catalogue,
            copies.engagements,
            copies.settings,
            account,
            now=self.clock(),
        )

    def remember_settled(self, accounts: "Iterable[Account]", *, level: bool) -> None:
        """Note how the archive looks after ACCOUNTS were synchronised; LEVEL: all else is done too.

        Only where nothing is amiss. The note saves the next sync its work when nothing is new.
        """
        from archiver.evidence.scans import last_scan
        from archiver.pipeline.quiet import AGAIN, Heard, remember

        copies = self.copies
        if self.evidence.read_only or copies.invalid or copies.findings:
            return
        if level and (self.projections.gaps or self.projections.left_to_another):
            return
        heard: dict[str, Heard] = {}
        for account in accounts:
            scan = last_scan(self.evidence, account.name)
            wanted = self.wanted(account)
            owed = self.evidence.presumed(account.name) or (wanted and wanted.unsettled)
            if scan is not None and not owed:
                heard[account.name] = Heard(rules=wanted.rules.hex if wanted else "", scan=scan)
        self.projections.drop()  # closed, its files stay as they are
        now = self.clock()
        remember(
            self.evidence,
            self.outside,
            heard,
            software=SOFTWARE,
            at=now,
            derived=level,
            offline=self.offline,
            until=now + AGAIN if level and self.open_work else None,
        )

    @cached_property
    def tokens(self) -> "TokenStore":
        """What OAuth2 gave for the accounts, kept outside of the archive."""
        from archiver.care.tokens import TokenStore

        return TokenStore.beside(self.outside)

    def oauth_client(
        self, account: "Account", *, environ: Mapping[str, str] = os.environ
    ) -> "Client":
        """Return the application that asks for ACCOUNT; raises UsageError where none does."""
        from archiver.mailbox.credentials import oauth_client
        from archiver.mailbox.oauth.trouble import no_oauth
        from archiver.mailbox.oauth.wire import post

        if account.oauth is None:
            raise no_oauth(account)
        return oauth_client(account, account.oauth, environ=environ, post=post, clock=self.clock)


def _openers(
    account: "Account",
    store: "TokenStore | None",
    prompt: Callable[[str], str] | None,
    environ: Mapping[str, str],
    clock: Clock,
) -> "Openers":
    """Return a function that connects to ACCOUNT, and one that only glances at its folders."""
    from archiver.mailbox.credentials import secrets_for

    def post(url: str, form: Mapping[str, str]) -> "Reply":
        from archiver.mailbox.oauth import wire  # few accounts ask an authority

        return wire.post(url, form)

    secrets = secrets_for(
        account, environ=environ, prompt=prompt, store=store, post=post, clock=clock
    )

    def with_secret(work: "Callable[[Account, Secret], T]") -> T:
        from archiver.mailbox.secrets import TokenRefusedError

        try:
            return work(account, secrets.get())
        except TokenRefusedError:
            if not secrets.refused():
                raise
        return work(account, secrets.get())

    def connect() -> "Session":
        from archiver.mailbox.server.imap import connect as connect_imap

        return with_secret(connect_imap)

    def look() -> "tuple[Folder, ...] | None":
        from archiver.mailbox.server.glance import glance

        return with_secret(glance)

    return connect, look


def peek(
    root: Path,
    *,
    name: str | None,
    keep_only: bool,
    offline: bool,
    prompt: Callable[[str], str] | None,
    environ: Mapping[str, str],
    openers: "dict[Account, Openers]",
) -> "Peek | None":
    """Look at little cost whether a sync of the account NAME, or of all, has nothing to do.

    None: that cannot be told without opening the archive as ever. What opens an account is put
    into OPENERS, so that a person is asked for a password once.
    """
    from archiver.pipeline.quiet import peek as look

    def glance(account: "Account", outside: "Outside") -> "tuple[Folder, ...] | None":
        store = None
        if account.oauth is not None:
            from archiver.care.tokens import TokenStore

            store = TokenStore.beside(outside)
        openers[account] = _openers(account, store, prompt, environ, utc_now)
        return openers[account][1]()

    try:
        return look(
            root,
            name=name,
            software=SOFTWARE,
            now=utc_now(),
            derived=not keep_only,
            offline=offline,
            glance=glance,
        )
    except (ArchiverError, OSError, ValueError, KeyError):
        return None  # whatever is wrong is met, and told, by the command that does everything


def create_archive(
    root: Path, *, time_zone: str, language: str, actor: str, clock: Clock = utc_now
) -> None:
    """Make a new archive in ROOT, or complete one whose making was interrupted.

    Catalogue and index are made too, still empty, so that one that is missing later is told.
    """
    from archiver.care.create import create

    create(
        root,
        time_zone=time_zone,
        language=language,
        actor=actor,
        clock=clock,
        entropy=os.urandom,
        software=SOFTWARE,
    )
    with Archive(root, tell=lambda _message: None, actor=actor, clock=clock) as archive:
        archive.level()


def open_backup(root: Path, *, lock_wait: float) -> "Evidence":
    """Open the originals of a backup, or of an archive, as they stand: nothing is changed there."""
    from archiver.evidence.store import Evidence

    return Evidence.open(
        root,
        clock=utc_now,
        entropy=os.urandom,
        software=SOFTWARE,
        lock_wait=lock_wait,
        recover=False,
    )


def verify_copy(root: Path, *, lock_wait: float, progress: Progress = silent) -> "Report":
    """Read every byte of a backup and check all of it, whatever this machine remembers.

    A backup is older than the archive as soon as that goes on: no fault of the copy.
    """
    from archiver.care.verify import proof_checks, settings_of
    from archiver.evidence.checks.check import verify

    with open_backup(root, lock_wait=lock_wait) as copy:
        proofs = proof_checks(
            copy,
            outside=None,
            settings=lambda: settings_of(copy),
            origin=True,
            progress=lambda done, total: progress("origin", done, total),
        )
        report = verify(
            copy,
            read_data=1.0,
            also=proofs,
            progress=lambda done, total: progress("verify", done, total),
        )
    # That the memory was not asked is no news to whoever asked for a copy to be checked.
    kept = tuple(each for each in report.findings if each.code != "memory-unknown")
    return replace(report, findings=kept)


def local_time_zone() -> str:
    """Return the IANA name of this machine's time zone, or UTC where it cannot be told."""
    named = os.environ.get("TZ", "").removeprefix(":")
    for name in filter(None, (named, *_zone_of(Path("/etc/localtime")))):
        with contextlib.suppress(ValueError, OSError, LookupError):
            return ZoneInfo(name).key
    return "UTC"


def _zone_of(link: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        yield str(link.resolve()).partition("zoneinfo/")[2]


def require_archive(root: Path | None) -> Path:
    """Return ROOT; raise NoArchiveError when no archive was named."""
    if root is None:
        raise NoArchiveError(
            _("No archive was named."),
            advice=_(
                "Give --archive DIR, set ARCHIVER_ARCHIVE, or run the command inside an archive."
            ),
        )
    return root
