"""``archive.toml`` and engagement files: a person may edit them, the journal keeps each version.

A working copy that changed is kept as an object with a ``config`` entry before it is used; one
that is missing is restored from its last journalled version; one that cannot be understood is told
and left alone, and the last good version goes on being used.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import TypeVar

from archiver.care.files import write_atomically
from archiver.config import Settings, parse_settings
from archiver.engagements.engagement import Engagement
from archiver.engagements.file import parse_engagement
from archiver.errors import ConfigurationError, OperationError
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest
from archiver.model.findings import Finding

SETTINGS = "archive.toml"
FOLDER = "engagements"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCopies:
    """What the working copies say, in their last good version."""

    settings: Settings
    engagements: tuple[Engagement, ...]
    version: Digest
    """Changes when anything in them changes: tags made under another version are made again."""
    findings: tuple[Finding, ...]
    """What a person should know: restored, not understood, not taken in on read-only media."""
    invalid: tuple[ConfigurationError, ...]
    """Files that cannot be understood as they stand."""

    @property
    def own(self) -> frozenset[str]:
        """Our own addresses, folded, over all accounts."""
        return frozenset(address for account in self.settings.accounts for address in account.own)


def engagement_name(slug: str) -> str:
    """Return the name under which an engagement's file is journalled."""
    return f"{FOLDER}/{slug}.toml"


def take_in(evidence: Evidence, *, actor: str) -> WorkingCopies:
    """Keep what a person changed, restore what is missing, and parse the last good versions.

    Raises ConfigurationError when ``archive.toml`` has no good version at all.
    """
    taker = _Taker(evidence, actor)
    settings = taker.take(SETTINGS, lambda text: parse_settings(text, name=SETTINGS))
    if settings is None:
        if taker.invalid:
            raise taker.invalid[0]
        raise OperationError(
            _("The archive at {root} has no archive.toml, on disk or in its journal.").format(
                root=evidence.root
            ),
            advice=_(
                "Run `archiver --archive {root} init` again: it completes the archive."
            ).format(root=evidence.root),
        )
    engagements = tuple(
        engagement
        for name in sorted(taker.engagement_names())
        if (engagement := taker.take(name, _engagement_parser(name))) is not None
    )
    return WorkingCopies(
        settings=settings,
        engagements=engagements,
        version=Digest.of("\n".join(taker.versions).encode()),
        findings=tuple(taker.findings),
        invalid=tuple(taker.invalid),
    )


def save(evidence: Evidence, name: str, text: str, *, actor: str) -> None:
    """Write a working copy on behalf of a person's command and journal it."""
    data = text.encode()
    evidence.keep_config(name, data, actor=actor)
    write_atomically(evidence.root / name, data)


def read(evidence: Evidence, name: str) -> str:
    """Return the text of a working copy as it stands on disk."""
    return (evidence.root / name).read_text(encoding="utf-8")


def _engagement_parser(name: str) -> Callable[[str], Engagement]:
    return lambda text: parse_engagement(text, name=name)


class _Taker:
    """One pass over the working copies, gathering what is to be told."""

    def __init__(self, evidence: Evidence, actor: str) -> None:
        self.evidence = evidence
        self.actor = actor
        self.journalled = dict(evidence.configs())
        self.findings: list[Finding] = []
        self.invalid: list[ConfigurationError] = []
        self.versions: list[str] = []

    def engagement_names(self) -> set[str]:
        folder = self.evidence.root / FOLDER
        on_disk = {f"{FOLDER}/{path.name}" for path in _toml_files(folder)}
        return on_disk | {name for name in self.journalled if name.startswith(f"{FOLDER}/")}

    def take(self, name: str, parse: Callable[[str], T]) -> T | None:
        path = self.evidence.root / name
        known = self.journalled.get(name)
        data = path.read_bytes() if path.is_file() else None
        if data is None:
            return self._restore(name, path, known, parse)
        if known is not None and Digest.of(data) == known:
            return self._use(name, data, parse, known)
        return self._take_changed(name, data, parse, known)

    def _take_changed(
        self, name: str, data: bytes, parse: Callable[[str], T], known: Digest | None
    ) -> T | None:
        try:
            value = parse(_text(name, data))
        except ConfigurationError as error:
            self.invalid.append(error)
            self._tell("config-invalid", name, error.what, error.advice)
            return None if known is None else self._last_good(name, parse, known)
        if self.evidence.read_only:
            self._tell(
                "config-not-taken-in",
                name,
                _("The file differs from its last journalled version, which is used."),
                _("The archive is on read-only media: copy it to change it."),
            )
            return None if known is None else self._last_good(name, parse, known)
        self.evidence.keep_config(name, data, actor=self.actor)
        self.versions.append(f"{name} {Digest.of(data)}")
        return value

    def _restore(
        self, name: str, path: Path, known: Digest | None, parse: Callable[[str], T]
    ) -> T | None:
        if known is None:
            return None
        if not self.evidence.read_only:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_atomically(path, self.evidence.read(known))
            self._tell(
                "config-restored",
                name,
                _("The file was missing and has been restored from the journal."),
                _("To end an engagement, remove it with `archiver engagement remove`."),
                level_note=True,
            )
        return self._last_good(name, parse, known)

    def _last_good(self, name: str, parse: Callable[[str], T], known: Digest) -> T | None:
        return self._use(name, self.evidence.read(known), parse, known)

    def _use(self, name: str, data: bytes, parse: Callable[[str], T], known: Digest) -> T | None:
        try:
            value = parse(_text(name, data))
        except ConfigurationError as error:  # a version written under other rules than today's
            self.invalid.append(error)
            self._tell("config-invalid", name, error.what, error.advice)
            return None
        self.versions.append(f"{name} {known}")
        return value

    def _tell(
        self, code: str, name: str, message: str, advice: str, *, level_note: bool = False
    ) -> None:
        self.findings.append(
            Finding(
                code=code,
                level="note" if level_note else "warning",
                subject=name,
                message=message,
                advice=advice,
            )
        )


def _toml_files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.glob("*.toml") if not path.name.startswith("."))


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            _("{name} is not UTF-8 text (byte {place}).").format(name=name, place=error.start),
            advice=_("Save the file again with the encoding UTF-8."),
        ) from error


def find_engagement(engagements: Iterable[Engagement], slug: str) -> Engagement | None:
    """Return the engagement called SLUG, or None."""
    return next((engagement for engagement in engagements if engagement.slug == slug), None)
