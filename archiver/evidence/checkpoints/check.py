"""Check what was signed against the journal, and the journal against what is remembered of it."""

import contextlib
from collections.abc import Mapping
from gettext import gettext as _
from gettext import ngettext

from archiver.errors import OperationError
from archiver.evidence.checkpoints.checkpoint import Checkpoint
from archiver.evidence.checkpoints.history import (
    ABANDONED,
    checkpoints_folder,
    journal_roots,
    key_entries,
    note_of,
    note_path,
    open_checkpoint,
    read_checkpoint,
    restores,
    signed_sizes,
)
from archiver.evidence.checkpoints.key_check import check_key
from archiver.evidence.checkpoints.keys import NoteError, VerifierKey
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.disk import told
from archiver.evidence.reader import Reader
from archiver.model.findings import Finding, Level, finding


def check_checkpoints(evidence: Reader, outside: Outside | None) -> tuple[Finding, ...]:
    """Check every note in the archive, and what OUTSIDE remembers; nothing is written.

    Each note is opened with the key that was in force, and its root compared with that of the
    journal at its size, all in one pass over the journal. OUTSIDE None: there is no memory to ask.
    Raises OperationError when the journal or a folder cannot be read.
    """
    note = None if outside is None else outside.last()
    check = _Check(evidence, note)
    check.keys()
    check.names()
    check.notes()
    continues = True
    if outside is None or note is None:
        check.unknown()
    else:
        continues = check.memory(note, outside)
    # An older copy does not name a newer key: that it is older says it all.
    key = check_key(evidence, outside if continues else None)
    return (*check.findings, *key)


class _Check:
    """One check: what it looks at, and what it has found so far."""

    def __init__(self, evidence: Reader, remembered: bytes | None) -> None:
        self.findings: list[Finding] = []
        self._evidence = evidence
        self._remembered = remembered
        self._sizes = signed_sizes(evidence)
        # After the notes: a live writer may add entries and sign them meanwhile.
        self._size = evidence.size
        self._archive = evidence.archive_id
        self._keys: list[tuple[int, VerifierKey]] = []
        self._roots: Mapping[int, bytes] | None = None

    def keys(self) -> None:
        """Check that the keys that the journal names follow each other."""
        last: str | None = None
        for entry, change in key_entries(self._evidence):
            try:
                self._keys.append((entry.position, VerifierKey.parse(change.key)))
            except NoteError as error:
                self._add(
                    "key-chain",
                    "error",
                    entry.position,
                    _("The entry names no signing key: {reason}.").format(reason=error),
                    _("Put back the folder journal from a backup, and ask who changed it."),
                )
            if change.previous != last:
                self._add(
                    "key-chain",
                    "error",
                    entry.position,
                    _("The signing key before this entry is not the one that the entry names."),
                    _("Put back the folder journal from a backup, and ask who changed it."),
                )
            last = change.key

    def names(self) -> None:
        """Look at the names in the folder of the notes."""
        folder = checkpoints_folder(self._evidence)
        with told(folder):
            names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        for name in sorted(names - {f"{size}.note" for size in self._sizes} - {ABANDONED}):
            if name.startswith(".") and name.endswith(".tmp"):
                self._add(
                    "temporary-left",
                    "note",
                    folder / name,
                    _("A signing was interrupted."),
                    _("The next one removes it."),
                )
            else:
                self._add(
                    "checkpoint-malformed",
                    "warning",
                    folder / name,
                    _("This file does not belong to the signed states."),
                    _("Move it away."),
                )
        if ABANDONED in names:
            self._abandoned()

    def _abandoned(self) -> None:
        folder = checkpoints_folder(self._evidence) / ABANDONED
        with told(folder):
            count = len(list(folder.iterdir()))
        message = ngettext(
            "{n} signed state was given up for an older copy of the archive.",
            "{n} signed states were given up for an older copy of the archive.",
            count,
        ).format(n=count)
        if restores(self._evidence):
            advice = _("The journal says so as well; what they showed is in this folder.")
            self._add("checkpoint-abandoned", "note", folder, message, advice)
        else:
            advice = _("The journal does not say so: ask who moved them.")
            self._add("checkpoint-abandoned", "error", folder, message, advice)

    def notes(self) -> None:
        """Check the notes that the archive holds."""
        for size in self._sizes:
            path = note_path(self._evidence, size)
            note = note_of(self._evidence, size)
            checkpoint = self._checkpoint(note, path)
            if checkpoint is None:
                continue
            if checkpoint.size != size:
                self._malformed(path, _("its name says another size"))
            elif checkpoint.size > self._size:
                self._older(path, checkpoint.size)
            elif not self._leads_to(checkpoint):
                self._add(
                    "checkpoint-root",
                    "error",
                    path,
                    _(
                        "The journal does not lead to what was signed when it held {size} entries: "
                        "some of these were changed, removed or put in another order."
                    ).format(size=size),
                    _("Put back the folder journal from a backup, and ask who changed it."),
                )
            else:
                self._signature(note, checkpoint, path)

    def memory(self, note: bytes, outside: Outside) -> bool:
        """Compare with NOTE, which was signed last on this machine; tell if it is continued."""
        checkpoint = self._checkpoint(note, outside.folder)
        if checkpoint is None:
            return True
        if checkpoint.size > self._size:
            self._older(outside.folder, checkpoint.size)
            return False
        if not self._leads_to(checkpoint):
            self._add(
                "archive-forked",
                "error",
                outside.folder,
                _(
                    "The archive, with {size} entries, does not continue what was signed on this "
                    "machine when it held {signed}."
                ).format(size=self._size, signed=checkpoint.size),
                _(
                    "It is an older copy that went its own way, or the journal was changed. Put "
                    "back the newest backup; `archiver restore --accept` goes on with this one."
                ),
            )
            return False
        if self._signature(note, checkpoint, outside.folder) and (
            checkpoint.size not in self._sizes
        ):
            self._add(
                "checkpoint-missing",
                "warning",
                note_path(self._evidence, checkpoint.size),
                _("The archive lacks what was signed last on this machine."),
                _("The next signing puts it back, unless somebody else keeps removing it."),
            )
        return True

    def unknown(self) -> None:
        """Say that nothing is remembered here, when there is something to remember."""
        if self._sizes or self._keys:
            self._add(
                "memory-unknown",
                "note",
                self._evidence.root,
                _(
                    "This machine remembers nothing of this archive, so it cannot be told whether "
                    "it is older than what was signed."
                ),
                _(
                    "Compare it with the machine that it comes from, or with a signed state that "
                    "somebody else keeps."
                ),
            )

    def _checkpoint(self, note: bytes, where: object) -> Checkpoint | None:
        try:
            return read_checkpoint(note)
        except NoteError as error:
            self._malformed(where, str(error))
            return None

    def _leads_to(self, checkpoint: Checkpoint) -> bool:
        if self._roots is None:
            self._roots = self._compute()
        return self._roots.get(checkpoint.size) == checkpoint.root

    def _compute(self) -> Mapping[int, bytes]:
        sizes = set(self._sizes)
        if self._remembered is not None:
            with contextlib.suppress(NoteError):
                sizes.add(read_checkpoint(self._remembered).size)
        try:
            return journal_roots(self._evidence, {size for size in sizes if size <= self._size})
        except OperationError as error:
            self._add("checkpoint-root", "error", self._evidence.root, error.what, error.advice)
            return {}

    def _signature(self, note: bytes, checkpoint: Checkpoint, where: object) -> bool:
        keys = [key for since, key in self._keys if since < checkpoint.size]
        try:
            open_checkpoint(note, keys[-1] if keys else None, self._archive)
        except NoteError as error:
            self._add(
                "checkpoint-signature",
                "error",
                where,
                _(
                    "What was signed at {size} entries was not signed with our key: {reason}."
                ).format(size=checkpoint.size, reason=error),
                _("Put the file back from a backup, and ask who changed it."),
            )
            return False
        return True

    def _older(self, where: object, signed: int) -> None:
        self._add(
            "archive-older",
            "error",
            where,
            _(
                "The archive holds {size} entries and is older than what was signed, with {signed}."
            ).format(size=self._size, signed=signed),
            _(
                "A backup is older by nature. If this is the archive that you work with, put back "
                "the newest backup; `archiver restore --accept` goes on with this one."
            ),
        )

    def _malformed(self, where: object, reason: str) -> None:
        self._add(
            "checkpoint-malformed",
            "error",
            where,
            _("This is not a signed state: {reason}.").format(reason=reason),
            _("Put the file back from the newest backup."),
        )

    def _add(self, code: str, level: Level, subject: object, message: str, advice: str) -> None:
        self.findings.append(finding(code, level, subject, message, advice))
