"""The tables of ``catalogue.sqlite``.

Everything here is derived from the journal and the objects, so there are no migrations: a file of
another version is thrown away and made again. Raise ``SCHEMA_VERSION`` with every change.
"""

from archiver.model.reading import READER_VERSION

APPLICATION_ID = 0x57524143
"""``WRAC``: tells ``file`` and us that this SQLite file is a catalogue."""

SCHEMA_VERSION = 3

SCHEMA = (
    # Small values: journal position taken in, reader version, whatever the pipeline notes.
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # What lists are made from; the texts stand apart so that a scan of records stays small.
    # THREAD and VARIANT are the lowest journal position of the thread or group of variants.
    """CREATE TABLE record (
        position INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        size INTEGER NOT NULL,
        kind TEXT NOT NULL,
        readable INTEGER NOT NULL,
        date INTEGER NOT NULL,
        date_text TEXT NOT NULL,
        date_basis TEXT NOT NULL,
        subject TEXT NOT NULL,
        message_id TEXT NOT NULL,
        thread INTEGER NOT NULL,
        variant INTEGER NOT NULL
    )""",
    "CREATE INDEX record_order ON record (date DESC, digest)",
    "CREATE INDEX record_thread ON record (thread)",
    "CREATE INDEX record_variant ON record (variant)",
    "CREATE INDEX record_message_id ON record (message_id) WHERE message_id <> ''",
    "CREATE INDEX record_unreadable ON record (position) WHERE NOT readable",
    """CREATE TABLE content (
        record INTEGER PRIMARY KEY,
        first_seen TEXT NOT NULL,
        date_header TEXT,
        received TEXT NOT NULL,
        headers TEXT NOT NULL,
        language TEXT NOT NULL,
        text TEXT NOT NULL
    )""",
    """CREATE TABLE participant (
        record INTEGER NOT NULL,
        role TEXT NOT NULL,
        number INTEGER NOT NULL,
        name TEXT NOT NULL,
        address TEXT NOT NULL,
        folded TEXT NOT NULL,
        PRIMARY KEY (record, role, number)
    ) WITHOUT ROWID""",
    "CREATE INDEX participant_address ON participant (folded)",
    # The text stands last: SQLite reads a long row from its start only as far as it must.
    """CREATE TABLE attachment (
        record INTEGER NOT NULL,
        number INTEGER NOT NULL,
        part TEXT NOT NULL,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        size INTEGER NOT NULL,
        inline INTEGER NOT NULL,
        content_id TEXT NOT NULL,
        text TEXT,
        PRIMARY KEY (record, number)
    )""",
    "CREATE INDEX attachment_unread ON attachment (record) WHERE text IS NULL",
    # ATTACHMENT is the number of the attachment it belongs to; -1: the message itself.
    """CREATE TABLE defect (
        record INTEGER NOT NULL,
        attachment INTEGER NOT NULL,
        number INTEGER NOT NULL,
        code TEXT NOT NULL,
        message TEXT NOT NULL,
        part TEXT NOT NULL,
        PRIMARY KEY (record, attachment, number)
    ) WITHOUT ROWID""",
    # Hashed names (message identifiers, variant keys) and the first record that mentions each.
    "CREATE TABLE name (name BLOB PRIMARY KEY, record INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE sighting (
        entry INTEGER PRIMARY KEY,
        record INTEGER NOT NULL,
        at TEXT NOT NULL,
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        internaldate TEXT,
        flags TEXT NOT NULL,
        match TEXT NOT NULL,
        source TEXT NOT NULL
    )""",
    "CREATE INDEX sighting_record ON sighting (record)",
    "CREATE INDEX sighting_folder ON sighting (account, folder, record)",
    # A presumption goes once the bytes at its place were fetched: it is sought by UIDVALIDITY, UID.
    """CREATE INDEX sighting_presumed
        ON sighting (account, folder, json_extract(source, '$[5]'), json_extract(source, '$[6]'))
        WHERE match = 'attributes'""",
    # Gmail's labels, and folders within a file: in which folders a message stands besides. ACCOUNT
    # is empty for what came from a file.
    """CREATE TABLE label (
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        record INTEGER NOT NULL,
        entry INTEGER NOT NULL,
        PRIMARY KEY (account, folder, record, entry)
    ) WITHOUT ROWID""",
    "CREATE INDEX label_record ON label (record)",
    # What a folder is for, as the last scan that named it says; "": it is for nothing special.
    """CREATE TABLE folder_role (
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        role TEXT NOT NULL,
        PRIMARY KEY (account, folder)
    ) WITHOUT ROWID""",
    # What the last scan of each folder could not fetch.
    """CREATE TABLE unfetched (
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        uid INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (account, folder, uid)
    ) WITHOUT ROWID""",
    # What persons said, one row for each entry; those with one NAME were one act. UNDONE_BY names
    # the entry that took it back.
    """CREATE TABLE decision (
        entry INTEGER PRIMARY KEY,
        record INTEGER NOT NULL,
        engagement TEXT NOT NULL,
        belongs INTEGER NOT NULL,
        actor TEXT NOT NULL,
        name TEXT NOT NULL,
        undone_by INTEGER
    )""",
    "CREATE INDEX decision_record ON decision (record)",
    "CREATE INDEX decision_name ON decision (name)",
    """CREATE TABLE tag (
        record INTEGER NOT NULL,
        engagement TEXT NOT NULL,
        decided_by TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (record, engagement)
    ) WITHOUT ROWID""",
    "CREATE INDEX tag_engagement ON tag (engagement, record)",
    """CREATE TABLE undecided (
        record INTEGER NOT NULL,
        number INTEGER NOT NULL,
        engagement TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (record, number)
    ) WITHOUT ROWID""",
    """CREATE TABLE export (
        entry INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        engagement TEXT NOT NULL,
        manifest BLOB NOT NULL
    )""",
    # An exhibit number means one record for ever.
    """CREATE TABLE exhibit (
        engagement TEXT NOT NULL,
        number INTEGER NOT NULL,
        record INTEGER NOT NULL,
        entry INTEGER NOT NULL,
        PRIMARY KEY (engagement, number)
    ) WITHOUT ROWID""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

FIRST_META = (("position", "0"), ("reader", str(READER_VERSION)))
