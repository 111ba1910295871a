-- "pgpf": says that a SQLite file is a store of this program.
PRAGMA application_id = 0x70677066;
PRAGMA user_version = 1;

CREATE TABLE connection (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL, -- not unique, as on the platform
    description   TEXT,
    spec_id       TEXT NOT NULL,
    spec_version  TEXT NOT NULL,
    state         TEXT NOT NULL,
    auth          TEXT NOT NULL, -- JSON, masked: what every answer shows
    secrets       BLOB NOT NULL, -- sealed JSON object, bound to the id
    etag          TEXT NOT NULL,
    created_at    INTEGER NOT NULL, -- Unix time in milliseconds
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX connection_by_name ON connection (name, spec_id);

-- One sealed value that is known, so that a wrong key is noticed before it is used.
CREATE TABLE seal_check (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    sealed  BLOB NOT NULL
) STRICT;
