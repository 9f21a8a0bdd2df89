"""The tables of ``journal/journal.sqlite``, by the version that added them (docs/journal.md)."""

APPLICATION_ID = 0x5752414A  # "WRAJ": written-record archive, journal
SCHEMA_VERSION = 3

SCHEMA = """
CREATE TABLE entry (
    position INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    body BLOB NOT NULL,
    leaf BLOB NOT NULL CHECK (length(leaf) = 32)
) STRICT;
CREATE INDEX entry_scan ON entry (position) WHERE type = 'scan';
CREATE TABLE record (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    position INTEGER NOT NULL UNIQUE,
    size INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE uid (
    account TEXT NOT NULL,
    folder TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    record INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('kept', 'vanished', 'erased')),
    PRIMARY KEY (account, folder, uidvalidity, uid)
) STRICT, WITHOUT ROWID;
CREATE TABLE uid_other (
    account TEXT NOT NULL,
    folder TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    record INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (account, folder, uidvalidity, uid, record)
) STRICT, WITHOUT ROWID;
CREATE TABLE file_position (
    path TEXT NOT NULL,
    member INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    record INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (path, member, offset, record)
) STRICT, WITHOUT ROWID;
CREATE TABLE epoch (
    account TEXT NOT NULL,
    folder TEXT NOT NULL,
    entry INTEGER NOT NULL,
    uidvalidity INTEGER NOT NULL,
    PRIMARY KEY (account, folder, entry)
) STRICT, WITHOUT ROWID;
CREATE TABLE config (
    name TEXT NOT NULL,
    entry INTEGER NOT NULL,
    digest BLOB CHECK (digest IS NULL OR length(digest) = 32),
    size INTEGER NOT NULL,
    PRIMARY KEY (name, entry)
) STRICT, WITHOUT ROWID;
CREATE TABLE sync (
    account TEXT NOT NULL PRIMARY KEY,
    attempt TEXT NOT NULL,
    good TEXT
) STRICT, WITHOUT ROWID;
"""

# What version 2 added. COMMON types are looked up in tables of their own, the rest by this index.
SCHEMA_2 = """
CREATE INDEX entry_rare ON entry (type, position)
    WHERE type NOT IN ('record', 'sighting', 'origin', 'key-seen');
CREATE TABLE origin (
    record INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    PRIMARY KEY (record, entry)
) STRICT, WITHOUT ROWID;
CREATE TABLE key_seen (
    name TEXT NOT NULL,
    entry INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    size INTEGER NOT NULL,
    PRIMARY KEY (name, entry)
) STRICT, WITHOUT ROWID;
CREATE TABLE attempt (
    name TEXT NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    tries INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

# What version 3 added. The last four follow from no entry: they save work, and prove nothing.
SCHEMA_3 = """
CREATE TABLE presumed (
    account TEXT NOT NULL,
    folder TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    record INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('kept', 'fetched', 'vanished', 'erased')),
    PRIMARY KEY (account, folder, uidvalidity, uid, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX presumed_unfetched ON presumed (account) WHERE state = 'kept';
CREATE TABLE unkept (
    account TEXT NOT NULL,
    folder TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    rules TEXT NOT NULL,
    reason TEXT,
    entry INTEGER NOT NULL,
    PRIMARY KEY (account, folder, uidvalidity, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE trouble (
    account TEXT NOT NULL PRIMARY KEY,
    attempts INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE cursor (
    account TEXT NOT NULL,
    folder TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    modseq INTEGER,
    mailbox_id TEXT NOT NULL,
    whole TEXT NOT NULL,
    done INTEGER NOT NULL,
    rules TEXT NOT NULL,
    PRIMARY KEY (account, folder)
) STRICT, WITHOUT ROWID;
CREATE TABLE volume (
    account TEXT NOT NULL,
    day TEXT NOT NULL,
    fetched INTEGER NOT NULL,
    rechecked INTEGER NOT NULL,
    PRIMARY KEY (account, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE looked (
    account TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

SCHEMAS = (SCHEMA, SCHEMA_2, SCHEMA_3)
"""What each version added to the one before it; the first stands for version 1."""


def added_since(version: int) -> list[str]:
    """Return the statements that bring tables of VERSION (0: none) to this one's."""
    return [statement for schema in SCHEMAS[version:] for statement in schema.split(";")]
