"""Everything about this machine and this folder that could cost a user their archive."""

import contextlib
import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path

from archiver.care.doctor_tokens import check_tokens
from archiver.care.no_rules import no_rules
from archiver.care.tokens import TokenPlace
from archiver.config import Settings
from archiver.engagements.engagement import Engagement
from archiver.evidence.checkpoints.outside import KeyPlace
from archiver.model.findings import Finding, Report, finding

LOW_DISK = 1024**3
CLOCK_TOLERANCE = timedelta(minutes=5)
_PRIVATE = 0o077
_CLOUD = (
    "onedrive",
    "dropbox",
    "google drive",
    "googledrive",
    "icloud",
    "mobile documents",
    "nextcloud",
    "owncloud",
    "syncthing",
    "pcloud",
    "kdrive",
)
_NETWORK_TYPES = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "afs", "9p", "davfs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is known of the machine; an argument, so that tests can tell any story."""

    free_bytes: int
    mode: int | None
    """Permission bits of the archive's folder; None where they mean nothing (Windows)."""
    owner_is_us: bool
    file_system: str
    """Type of the file system the archive is on; empty when it cannot be told."""
    encrypted: bool | None
    """None: cannot be told."""
    path: Path


def look_around(root: Path, *, mounts: Path = Path("/proc/self/mounts")) -> Surroundings:
    """Look at the machine and the archive's folder."""
    status = root.stat()
    device, kind = _mount_of(root.resolve(), mounts)
    posix = os.name == "posix"
    return Surroundings(
        free_bytes=shutil.disk_usage(root).free,
        mode=stat.S_IMODE(status.st_mode) if posix else None,
        owner_is_us=not posix or status.st_uid == os.geteuid(),
        file_system=kind,
        encrypted=_encrypted(device),
        path=root.resolve(),
    )


def examine(
    around: Surroundings,
    settings: Settings,
    *,
    now: datetime,
    last_entry: datetime | None,
    last_syncs: Mapping[str, tuple[datetime | None, datetime | None]],
    zone: tzinfo = UTC,
    key: KeyPlace | None = None,
    tokens: Sequence[TokenPlace] = (),
    engagements: Sequence[Engagement] | None = None,
) -> Report:
    """Say each thing that is wrong with how to mend it; an empty report means all is well.

    Moments are told in ZONE. KEY is where the signing key is kept; None: that was not asked.
    TOKENS is where what OAuth2 gave is kept, for the accounts that log in so. ENGAGEMENTS are those
    whose rules decide on what is kept; None: that was not asked.
    """
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _disk(around),
        lambda: _permissions(around),
        lambda: _place(around),
        lambda: _encryption(around),
        lambda: _clock(now, last_entry, zone),
        lambda: _syncs(settings, last_syncs, now, zone),
        lambda: _key(key),
        lambda: check_tokens(settings.accounts, tokens, now, zone),
        lambda: iter(()) if engagements is None else no_rules(settings.accounts, engagements),
        _software,
    )
    findings = tuple(found for check in checks for found in check())
    return Report(checked=(("checks", len(checks)),), findings=findings)


def overdue(
    settings: Settings,
    last_syncs: Mapping[str, tuple[datetime | None, datetime | None]],
    now: datetime,
) -> tuple[tuple[str, datetime | None], ...]:
    """Return accounts without a good sync for ``stale_after_days``, with the date of the last."""
    found = []
    for account in settings.accounts:
        _attempt, good = last_syncs.get(account.name, (None, None))
        if good is None or now - good > timedelta(days=settings.stale_after):
            found.append((account.name, good))
    return tuple(found)


def _disk(around: Surroundings) -> Iterator[Finding]:
    if around.free_bytes < LOW_DISK:
        yield finding(
            "disk-low",
            "warning",
            around.path,
            _("Only {free} MB are free on this disk.").format(free=around.free_bytes // 1024**2),
            _("Make room before the next sync: it stops when the disk is full."),
        )


def _permissions(around: Surroundings) -> Iterator[Finding]:
    if around.mode is not None and around.mode & _PRIVATE:
        yield finding(
            "folder-open",
            "warning",
            around.path,
            _("Other users of this machine may enter the archive's folder (mode {mode:o}).").format(
                mode=around.mode
            ),
            _("Close it: chmod 700 {path}").format(path=around.path),
        )
    if not around.owner_is_us:
        yield finding(
            "folder-not-ours",
            "warning",
            around.path,
            _("The archive's folder belongs to another user."),
            _("Run the archiver as that user, or give the folder over with chown -R."),
        )


def _place(around: Surroundings) -> Iterator[Finding]:
    parts = [part.lower() for part in around.path.parts]
    cloud = next((name for name in _CLOUD if any(name in part for part in parts)), None)
    if cloud is not None:
        yield finding(
            "folder-cloud",
            "warning",
            around.path,
            _("The archive seems to be in a folder that is synchronised with a cloud service."),
            _("Move it out: such services copy a database in the middle of a write and damage it."),
        )
    if around.file_system in _NETWORK_TYPES:
        yield finding(
            "folder-network",
            "warning",
            around.path,
            _("The archive is on a network file system ({kind}).").format(kind=around.file_system),
            _("Move it to a local disk: locks and durable writes are not reliable there."),
        )


def _encryption(around: Surroundings) -> Iterator[Finding]:
    if around.encrypted is False:
        yield finding(
            "disk-unencrypted",
            "warning",
            around.path,
            _("The disk does not seem to be encrypted: whoever takes it reads your clients' mail."),
            _("Use full-disk encryption (LUKS, FileVault, BitLocker)."),
        )
    elif around.encrypted is None:
        yield finding(
            "disk-encryption-unknown",
            "note",
            around.path,
            _("Whether the disk is encrypted cannot be told from here."),
            _("Check it (LUKS, FileVault, BitLocker): the archive holds your clients' mail."),
        )


def _clock(now: datetime, last_entry: datetime | None, zone: tzinfo) -> Iterator[Finding]:
    if last_entry is not None and now < last_entry - CLOCK_TOLERANCE:
        yield finding(
            "clock-behind",
            "error",
            now.astimezone(zone).isoformat(timespec="seconds"),
            _("The clock stands before the journal's last entry ({last}).").format(
                last=last_entry.astimezone(zone).isoformat(timespec="seconds")
            ),
            _("Set the clock right (switch on time synchronisation) before the next sync."),
        )


def _syncs(
    settings: Settings,
    last_syncs: Mapping[str, tuple[datetime | None, datetime | None]],
    now: datetime,
    zone: tzinfo,
) -> Iterator[Finding]:
    if not settings.accounts:
        yield finding(
            "no-account",
            "note",
            "archive.toml",
            _("The archive has no mail account."),
            _("Add one with `archiver account add`, or bring mail in with `archiver import`."),
        )
    for name, good in overdue(settings, last_syncs, now):
        when = _("never") if good is None else good.astimezone(zone).isoformat(timespec="minutes")
        yield finding(
            "sync-overdue",
            "warning",
            name,
            ngettext(
                "No good sync for {n} day (the last one: {when}).",
                "No good sync for {n} days (the last one: {when}).",
                settings.stale_after,
            ).format(n=settings.stale_after, when=when),
            _("Run `archiver sync --account {name}` and look at what it says.").format(name=name),
        )


def _key(key: KeyPlace | None) -> Iterator[Finding]:
    if key is None:
        return
    match key.where:
        case "keyring":
            yield finding(
                "key-place",
                "note",
                _("keyring"),
                _("The key that signs the archive's state is in this system's keyring."),
                _("Nothing is to be done. A backup of the archive never contains it."),
            )
        case "file":
            yield finding(
                "key-place",
                "note",
                key.path,
                _("The key that signs the archive's state is in this file, for your user only."),
                _("Keep the folder out of backups of the archive, and the disk encrypted."),
            )
        case "nowhere":
            yield finding(
                "key-missing",
                "note",
                key.path,
                _("There is no key yet, on this machine, that signs the archive's state."),
                _("The next synchronisation that keeps something makes one."),
            )
    if key.open_to_others:
        yield finding(
            "key-open",
            "warning",
            key.path,
            _("Other users of this machine may read the key that signs the archive's state."),
            _("Close it with chmod 600 {path}, then run `archiver key rotate`.").format(
                path=key.path
            ),
        )


def _software() -> Iterator[Finding]:
    if sqlite3.sqlite_version_info < (3, 37, 0):
        yield finding(
            "sqlite-old",
            "error",
            sqlite3.sqlite_version,
            _("SQLite {version} is too old.").format(version=sqlite3.sqlite_version),
            _("Use a Python that brings SQLite 3.37 or later."),
        )


def _mount_of(path: Path, mounts: Path) -> tuple[str, str]:
    """Return device and type of the file system that holds PATH; empty where it cannot be told."""
    best, found = -1, ("", "")
    for device, point, kind in _mounts(mounts):
        if (path == point or point in path.parents) and len(point.parts) > best:
            best, found = len(point.parts), (device, kind)
    return found


def _mounts(mounts: Path) -> Iterable[tuple[str, Path, str]]:
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        fields = line.split(" ")
        if len(fields) > 2:  # noqa: PLR2004  device, mount point, type (fstab(5))
            yield fields[0], Path(fields[1].replace("\\040", " ")), fields[2]


def _encrypted(device: str) -> bool | None:
    """Tell from the device mapper whether a Linux disk is encrypted; elsewhere, not known."""
    if not sys.platform.startswith("linux") or not device.startswith("/dev/"):
        return None
    return _any_layer_encrypted(Path("/sys/class/block") / Path(device).resolve().name)


def _any_layer_encrypted(block: Path) -> bool:
    """Look through the layers of a block device: a volume on LVM on LUKS is encrypted."""
    with contextlib.suppress(OSError):
        uuid = (block / "dm" / "uuid").read_text(encoding="ascii", errors="replace")
        if uuid.startswith("CRYPT-"):
            return True
    try:
        below = list((block / "slaves").iterdir())
    except OSError:
        return False
    return any(_any_layer_encrypted(layer) for layer in below)
