"""``archive.toml`` and engagement files: a person may edit them, the journal keeps each version.

A working copy that changed is kept as an object with a ``config`` entry before it is used; one
that is missing is restored from its last journalled version; one that cannot be understood is told
and left alone, and the last good version goes on being used. Whoever changes one holds the lock of
the working copies from reading it until it is journalled (``Evidence.config_lock``).
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import TypeVar

from archiver.config import Settings, parse_settings
from archiver.engagements.engagement import Engagement
from archiver.engagements.file import parse_engagement
from archiver.errors import ArchiverError, ConfigurationError, OperationError
from archiver.evidence.durable import write_whole
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest
from archiver.model.findings import Finding, Level, finding
from archiver.tables import FileError

SETTINGS = "archive.toml"
FOLDER = "engagements"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCopies:
    """What the working copies say, in their last good version."""

    settings: Settings
    engagements: tuple[Engagement, ...]
    version: Digest
    """Changes when what tags depend on changes: those made under another version are made again."""
    findings: tuple[Finding, ...]
    """What a person should know: restored, not understood, not taken in on read-only media."""
    invalid: Mapping[str, ConfigurationError]
    """Files that cannot be understood as they stand, by their names."""

    @property
    def own(self) -> frozenset[str]:
        """Our own addresses, folded, over all accounts."""
        return self.settings.own


def engagement_name(slug: str) -> str:
    """Return the name under which an engagement's file is journalled."""
    return f"{FOLDER}/{slug}.toml"


def take_in(evidence: Evidence, *, actor: str) -> WorkingCopies:
    """Keep what a person changed, restore what is missing, and parse the last good versions.

    Raises ConfigurationError when ``archive.toml`` has no good version at all, and LockedError when
    there is something to keep or to restore and another process is changing working copies.
    """
    seen = _look(evidence)
    if seen.level or evidence.read_only:
        return _Taker(evidence, seen, actor).take_all()
    with evidence.config_lock():
        return _Taker(evidence, _look(evidence), actor).take_all()


def save(evidence: Evidence, name: str, text: str, *, actor: str) -> None:
    """Write a working copy on behalf of a person's command and journal it.

    The caller holds the lock since before it read what it changed.
    """
    _change(evidence, name, text.encode(), actor=actor)


def remove(evidence: Evidence, name: str, *, actor: str) -> None:
    """End a working copy on behalf of a person's command; the caller holds the lock."""
    _change(evidence, name, None, actor=actor)


def _change(evidence: Evidence, name: str, data: bytes | None, *, actor: str) -> None:
    """Change the file first, then journal the change, so that it happens wholly or not at all.

    After a crash between the two, the next command finds a file that the journal does not know and
    takes it in, or one that is missing and restores it.
    """
    path = evidence.root / name
    before = path.read_bytes() if path.is_file() else None
    _put(evidence, path, data)
    try:
        evidence.keep_config(name, data, actor=actor)
    except ArchiverError:
        with contextlib.suppress(OSError):
            _put(evidence, path, before)
        raise


def _put(evidence: Evidence, path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
    else:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(evidence.disk, path, data)


def read(evidence: Evidence, name: str) -> str:
    """Return the text of a working copy as it stands on disk; if it is missing, the journal's."""
    path = evidence.root / name
    if path.is_file():
        return _text(name, path.read_bytes())
    known = evidence.configs().get(name)
    if known is None:
        raise _no_file(evidence, name)
    return _text(name, evidence.read(known))


def exists(evidence: Evidence, name: str) -> bool:
    """Tell whether there is such a working copy, on disk or only in the journal."""
    return (evidence.root / name).is_file() or evidence.configs().get(name) is not None


def _no_file(evidence: Evidence, name: str) -> OperationError:
    advice = _("Run `archiver --archive {root} init` again: it completes the archive.")
    if name != SETTINGS:
        advice = _("Run `archiver --archive {root} engagement list` to see those there are.")
    return OperationError(
        _("The archive at {root} has no {name}, on disk or in its journal.").format(
            root=evidence.root, name=name
        ),
        advice=advice.format(root=evidence.root),
    )


def _engagement_parser(name: str) -> Callable[[str], Engagement]:
    return lambda text: parse_engagement(text, name=name)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The working copies at one moment."""

    on_disk: Mapping[str, bytes]
    journalled: Mapping[str, Digest]

    @property
    def level(self) -> bool:
        """Whether disk and journal hold the same versions: there is nothing to write."""
        return self.journalled == {name: Digest.of(data) for name, data in self.on_disk.items()}


def _look(evidence: Evidence) -> _Seen:
    journalled = {
        name: known
        for name, known in evidence.configs().items()
        if known is not None and (name == SETTINGS or name.startswith(f"{FOLDER}/"))
    }
    paths = (evidence.root / SETTINGS, *_toml_files(evidence.root / FOLDER))
    on_disk: dict[str, bytes] = {}
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # removed by another process meanwhile
            on_disk[path.relative_to(evidence.root).as_posix()] = path.read_bytes()
    return _Seen(on_disk, journalled)


class _Taker:
    """One pass over the working copies, gathering what is to be told."""

    def __init__(self, evidence: Evidence, seen: _Seen, actor: str) -> None:
        self.evidence = evidence
        self.seen = seen
        self.actor = actor
        self.findings: list[Finding] = []
        self.invalid: dict[str, ConfigurationError] = {}
        self.versions: dict[str, Digest] = {}

    def take_all(self) -> WorkingCopies:
        settings = self.take(SETTINGS, lambda text: parse_settings(text, name=SETTINGS))
        if settings is None:
            raise self.invalid.get(SETTINGS) or _no_file(self.evidence, SETTINGS)
        names = sorted({*self.seen.on_disk, *self.seen.journalled} - {SETTINGS})
        engagements = tuple(
            engagement
            for name in names
            if (engagement := self.take(name, _engagement_parser(name))) is not None
        )
        return WorkingCopies(
            settings=settings,
            engagements=engagements,
            version=self._version(settings),
            findings=tuple(self.findings),
            invalid=self.invalid,
        )

    def _version(self, settings: Settings) -> Digest:
        """Mark what tags and their reasons are made from; a new password command is none of it."""
        lines = [f"{name} {used}" for name, used in self.versions.items() if name != SETTINGS]
        lines += [f"own {address}" for address in sorted(settings.own)]
        lines += [f"time_zone {settings.time_zone}", f"language {settings.language}"]
        return Digest.of("\n".join(lines).encode())

    def take(self, name: str, parse: Callable[[str], T]) -> T | None:
        known = self.seen.journalled.get(name)
        data = self.seen.on_disk.get(name)
        if data is None:
            return None if known is None else self._restore(name, parse, known)
        if known is not None and Digest.of(data) == known:
            return self._use(name, data, parse, known)
        return self._take_changed(name, data, parse, known)

    def _take_changed(
        self, name: str, data: bytes, parse: Callable[[str], T], known: Digest | None
    ) -> T | None:
        try:
            value = parse(_text(name, data))
        except ConfigurationError as error:
            self._tell_invalid(name, error)
            return None if known is None else self._last_good(name, parse, known)
        if self.evidence.read_only:
            self._tell(
                "config-not-taken-in",
                "warning",
                name,
                _("The file differs from its last journalled version, which is used."),
                _("The archive is on read-only media: copy it to change it."),
            )
            return None if known is None else self._last_good(name, parse, known)
        self.evidence.keep_config(name, data, actor=self.actor)
        self.versions[name] = Digest.of(data)
        return value

    def _restore(self, name: str, parse: Callable[[str], T], known: Digest) -> T | None:
        if not self.evidence.read_only:
            _put(self.evidence, self.evidence.root / name, self.evidence.read(known))
            self._tell(
                "config-restored",
                "note",
                name,
                _("The file was missing and has been restored from the journal."),
                _("To end an account, remove it with `archiver account remove`.")
                if name == SETTINGS
                else _("To end an engagement, remove it with `archiver engagement remove`."),
            )
        return self._last_good(name, parse, known)

    def _last_good(self, name: str, parse: Callable[[str], T], known: Digest) -> T | None:
        return self._use(name, self.evidence.read(known), parse, known)

    def _use(self, name: str, data: bytes, parse: Callable[[str], T], known: Digest) -> T | None:
        try:
            value = parse(_text(name, data))
        except ConfigurationError as error:  # a version written under other rules than today's
            if name not in self.invalid:
                self._tell_invalid(name, error)
            return None
        self.versions[name] = known
        return value

    def _tell_invalid(self, name: str, error: ConfigurationError) -> None:
        self.invalid[name] = error
        why = error.why if isinstance(error, FileError) else error.what
        self._tell("config-invalid", "error", name, why, error.advice)

    def _tell(self, code: str, level: Level, name: str, message: str, advice: str) -> None:
        self.findings.append(finding(code, level, name, message, advice))


def _toml_files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        found = (path for path in folder.glob("*.toml") if not path.name.startswith("."))
        yield from (path for path in found if path.is_file())


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            _("{name} is not UTF-8 text (byte {place}).").format(name=name, place=error.start),
            why=_("It is not UTF-8 text (byte {place}).").format(place=error.start),
            advice=_("Save the file again with the encoding UTF-8."),
        ) from error


def find_engagement(engagements: Iterable[Engagement], slug: str) -> Engagement | None:
    """Return the engagement called SLUG, or None."""
    return next((engagement for engagement in engagements if engagement.slug == slug), None)
