-- "pgpf": says that a SQLite file is a store of this program.
PRAGMA application_id = 0x70677066;
PRAGMA user_version = 1;

CREATE TABLE connection (
    id            TEXT PRIMARY KEY,
    organization  TEXT NOT NULL,
    sandbox       TEXT NOT NULL,
    name          TEXT NOT NULL, -- not unique, as on the platform
    description   TEXT,
    spec_id       TEXT NOT NULL,
    state         TEXT NOT NULL,
    etag          TEXT NOT NULL,
    created_at    INTEGER NOT NULL, -- Unix time in milliseconds
    updated_at    INTEGER NOT NULL,
    document      TEXT NOT NULL, -- JSON, masked: what every answer shows
    secrets       BLOB NOT NULL, -- sealed JSON object, bound to the id
    report        TEXT -- JSON of the latest check
) STRICT;

CREATE INDEX connection_by_age ON connection (organization, sandbox, created_at, id);
CREATE INDEX connection_by_name ON connection (organization, sandbox, name, id);

-- One sealed value that is known, so that a wrong key is noticed before it is used.
CREATE TABLE seal_check (
    number  INTEGER PRIMARY KEY CHECK (number = 1),
    sealed  BLOB NOT NULL
) STRICT;
