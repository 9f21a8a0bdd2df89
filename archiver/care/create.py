"""Make an archive: originals first, then the files a person meets in the folder."""

from collections.abc import Callable
from datetime import datetime
from gettext import gettext as _
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.care.working_copies import FOLDER, SETTINGS, save
from archiver.config import new_settings
from archiver.errors import NoArchiveError, UsageError
from archiver.evidence.durable import write_whole
from archiver.evidence.store import Evidence


def create(
    root: Path,
    *,
    time_zone: str,
    language: str,
    actor: str,
    clock: Callable[[], datetime],
    entropy: Callable[[int], bytes],
    software: str,
) -> None:
    """Make an archive in ROOT, which must be absent, empty, or an archive half made.

    Raises UsageError when ROOT holds an archive already, or something else.
    """
    _check_time_zone(time_zone)
    evidence = _open_or_create(root, clock=clock, entropy=entropy, software=software)
    text = new_settings(time_zone=time_zone, language=language)
    with evidence:
        _refuse_made(evidence)
        with evidence.config_lock():
            _refuse_made(evidence)  # another process may have been faster
            (root / FOLDER).mkdir(mode=0o700, exist_ok=True)
            told = readme(root.name, software).encode()
            write_whole(evidence.disk, root / "README.txt", told, mode=0o644)
            save(evidence, SETTINGS, text, actor=actor)


def _refuse_made(evidence: Evidence) -> None:
    if SETTINGS in evidence.configs():
        raise UsageError(
            _("{root} is an archive already.").format(root=evidence.root),
            advice=_("Use it as it is, or name another folder with --archive."),
        )


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            _("There is no time zone called {name}.").format(name=name),
            advice=_("Give an IANA name such as Europe/Paris with --time-zone."),
        ) from error


def _open_or_create(
    root: Path,
    *,
    clock: Callable[[], datetime],
    entropy: Callable[[int], bytes],
    software: str,
) -> Evidence:
    try:
        return Evidence.open(root, clock=clock, entropy=entropy, software=software)
    except NoArchiveError:
        if root.exists() and any(root.iterdir()) and not (root / "objects").is_dir():
            raise UsageError(
                _("{root} is not empty.").format(root=root),
                advice=_("Name an empty or new folder with --archive."),
            ) from None
        return Evidence.create(root, clock=clock, entropy=entropy, software=software)


def readme(name: str, software: str) -> str:
    """Return the text that tells how to read the folder without the program."""
    return f"""\
{name}: an archive of written records                           (français plus bas)

Made by {software}. What stands here can be read without that program.

objects/ab/<sha256>      the exact bytes of each record (e-mails as .eml), named by their SHA-256.
                         Check one:  sha256sum objects/ab/<sha256>  prints its own name.
                         Read one: open it in any mail program, or rename a copy to .eml.
journal/journal.sqlite   what happened to the archive, in order: an SQLite database.
                         Table "entry": each body is JSON, stored word for word; its leaf is
                         SHA-256 of a zero byte followed by the body (RFC 6962).
journal/leaves           the same leaves, 32 bytes each, one after the other.
journal/checkpoints/     signed states of the journal: text (C2SP checkpoints, Ed25519).
journal/stamps/          time-stamps of third parties on them (RFC 3161): openssl ts reads them.
archive.toml             accounts and options. No password is ever in it.
engagements/*.toml       the engagements and the rules that tie records to them.
catalogue.sqlite search/ derived: they can be deleted, `archiver rebuild` makes them again.

Only objects/ and journal/ are originals. Keep this folder private and backed up; change nothing
in objects/ and journal/.

---------------------------------------------------------------------------------------------------

objects/ab/<sha256>      les octets exacts de chaque écrit (courriels au format .eml), nommés par
                         leur empreinte SHA-256. Vérifier : sha256sum redonne le nom du fichier.
journal/                 le journal de tout ce qui est arrivé à l'archive, dans l'ordre ; ses états
                         signés (checkpoints/) et leurs horodatages par des tiers (stamps/).
archive.toml             comptes et options ; jamais de mot de passe.
engagements/*.toml       les missions et les règles qui y rattachent les écrits.
catalogue.sqlite search/ dérivés : on peut les effacer, `archiver rebuild` les refait.

Seuls objects/ et journal/ sont des originaux. Gardez ce dossier privé et sauvegardé ; ne changez
rien dans objects/ ni dans journal/.
"""
