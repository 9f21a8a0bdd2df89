"""``backup`` and ``restore``: a copy of the archive elsewhere, and the way back."""

from collections.abc import Mapping
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.output import (
    SCHEMA,
    json_option,
    print_checked,
    print_findings,
    print_json,
    report_json,
)
from archiver.errors import NoArchiveError, OperationError, UsageError

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.custody.backup import BackedUp
    from archiver.evidence.checkpoints.standing import Standing
    from archiver.model.findings import Report

FOUND = 3


@click.command(
    help=_(
        "Copy the archive to a folder on another disk, or bring the copy there level. It may run "
        "during a synchronisation. What was erased here is removed there; nothing else is.\n\n"
        "The copy is an archive itself. The signing key and what this machine remembers are not "
        "in it: see docs/backup.md.\n\n"
        "\b\nExamples:\n"
        "  archiver backup /media/disk/ACME\n"
        "  archiver backup /media/disk/ACME --verify"
    )
)
@click.argument("folder", metavar=_("FOLDER"), type=click.Path(path_type=Path))
@click.option("--verify", is_flag=True, help=_("Then read the whole backup and check it."))
@json_option
@pass_global
def backup(globals_: Global, folder: Path, verify: bool, format_: str) -> int:
    from archiver.custody.backup import back_up, remember_backup

    with globals_.open() as archive:
        archive.copies  # noqa: B018  a person's changes are journalled first
        stands = _told_standing(globals_, archive, folder)
        done = back_up(
            archive.evidence,
            folder,
            lock_wait=globals_.lock_wait,
            progress=lambda count, total: archive.progress("backup", count, total),
        )
        try:
            remember_backup(archive.outside, done, at=archive.clock())
        except OperationError as error:
            globals_.tell(error.both)
    report = _verified(globals_, done.folder) if verify else None
    if format_ == "json":
        print_json(_json(done, report, stands))
    else:
        _print(globals_, done, report)
    wrong = any(each.level == "error" for each in done.findings) or (report and report.errors)
    return FOUND if wrong else 0


def _told_standing(globals_: Global, archive: "Archive", folder: Path) -> "Standing | None":
    """Tell how the archive stands, if badly; raise UsageError when FOLDER may hold a better one."""
    from archiver.custody.backup_place import holds_backup
    from archiver.evidence.checkpoints.standing import tell_standing

    stands = archive.standing()
    if stands in ("older", "forked"):
        for line in tell_standing(archive.evidence, archive.outside, stands):
            globals_.tell(line)
    if stands == "forked" and holds_backup(folder):
        raise UsageError(
            _("{folder} holds a backup, which this archive may not replace.").format(folder=folder),
            advice=_(
                "It may be all that is left of what was signed. Nothing was changed. Name another "
                "folder, or decide first to go on with this archive: archiver --archive {root} "
                "restore --accept"
            ).format(root=archive.root),
        )
    return stands


def _verified(globals_: Global, folder: Path) -> "Report":
    """Check the archive in FOLDER, every byte of it."""
    from archiver.app import verify_copy

    return verify_copy(folder, lock_wait=globals_.lock_wait, progress=globals_.progress or _silent)


def _json(
    done: "BackedUp", report: "Report | None", stands: "Standing | None"
) -> Mapping[str, object]:
    from archiver.model.findings import Report

    found = Report(checked=(), findings=done.findings)
    return {
        "schema": SCHEMA,
        "folder": str(done.folder),
        "entries": done.entries,
        "copied": done.copied,
        "copied_bytes": done.copied_bytes,
        "present": done.present,
        "removed": done.removed,
        "standing": stands,
        "findings": report_json(found)["findings"],
        "verified": report_json(report) if report else None,
    }


def _print(globals_: Global, done: "BackedUp", report: "Report | None") -> None:
    globals_.chat(
        ngettext(
            "{folder}: {n} object copied, {there} were there; the journal has {entries} entries.",
            "{folder}: {n} objects copied, {there} were there; the journal has {entries} entries.",
            done.copied,
        ).format(folder=done.folder, n=done.copied, there=done.present, entries=done.entries)
    )
    if done.removed:
        globals_.chat(
            ngettext(
                "{n} object that the archive erased was removed there.",
                "{n} objects that the archive erased were removed there.",
                done.removed,
            ).format(n=done.removed)
        )
    print_findings(done.findings)
    if report is not None:
        print_checked(report)
        print_findings(report.findings)


@click.command(
    help=_(
        "Copy a backup to a new folder, read every byte of it, and say whether it is older than "
        "what this machine remembers.\n\n"
        "With --accept: go on with the archive named by --archive although entries that were "
        "signed are missing from it. The journal says so for ever.\n\n"
        "\b\nExamples:\n"
        "  archiver restore /media/disk/ACME ACME\n"
        "  archiver --archive ACME restore --accept"
    )
)
@click.argument("source", metavar=_("BACKUP"), type=click.Path(path_type=Path), required=False)
@click.argument("folder", metavar=_("FOLDER"), type=click.Path(path_type=Path), required=False)
@click.option("--accept", is_flag=True, help=_("Go on with an older copy of the archive."))
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@pass_global
def restore(
    globals_: Global, source: Path | None, folder: Path | None, accept: bool, yes: bool
) -> int:
    if accept and source is None:
        _accept(globals_, yes=yes)
        return 0
    if accept or source is None or folder is None:
        raise UsageError(
            _("Give a backup and a new folder, or --accept alone."),
            advice=_(
                "Type `archiver restore BACKUP FOLDER`; or, to go on with an older archive, "
                "`archiver --archive FOLDER restore --accept`."
            ),
        )
    return _put_back(globals_, source, folder)


def _put_back(globals_: Global, source: Path, folder: Path) -> int:
    from archiver.app import open_backup
    from archiver.custody.restore import put_back
    from archiver.evidence.checkpoints.standing import tell_standing

    try:
        opened = open_backup(source, lock_wait=globals_.lock_wait)
    except NoArchiveError as error:
        raise NoArchiveError(
            _("There is no backup in {folder}.").format(folder=source),
            advice=_(
                "Name the folder that `archiver backup` wrote; journal/ and objects/ are in it."
            ),
        ) from error
    with opened as backup_:
        done = put_back(
            backup_,
            folder,
            lock_wait=globals_.lock_wait,
            progress=lambda count, total: (globals_.progress or _silent)("restore", count, total),
        )
    report = _verified(globals_, done.folder)
    _print(globals_, done, report)
    with open_backup(done.folder, lock_wait=globals_.lock_wait) as restored:
        from archiver.evidence.checkpoints.outside import Outside

        for line in tell_standing(restored, Outside.of_user(restored.archive_id)):
            globals_.tell(line)
    wrong = any(each.level == "error" for each in done.findings)
    return FOUND if wrong or report.errors else 0


def _silent(_what: str, _done: int, _total: int | None) -> None:
    pass


def _accept(globals_: Global, *, yes: bool) -> None:
    from archiver.evidence.checkpoints.standing import tell_standing

    with globals_.open() as archive:
        for line in tell_standing(archive.evidence, archive.outside)[:1]:
            globals_.tell(line)
        if not yes and not globals_.agrees(_question(archive)):
            return
        archive.accept_restored()
        archive.level()
    globals_.chat(
        _("The archive goes on from here, with a new signing key. `archiver journal` shows it.")
    )


def _question(archive: "Archive") -> str:
    return _("Go on with {root} for good, without the entries that it lacks?").format(
        root=archive.root
    )


COMMANDS = {"backup": backup, "restore": restore}
