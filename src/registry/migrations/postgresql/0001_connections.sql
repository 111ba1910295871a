CREATE TABLE connection (
    id            text COLLATE "C" PRIMARY KEY,
    organization  text COLLATE "C" NOT NULL,
    sandbox       text COLLATE "C" NOT NULL,
    name          text COLLATE "C" NOT NULL, -- not unique, as on the platform
    description   text COLLATE "C",
    spec_id       text COLLATE "C" NOT NULL,
    state         text COLLATE "C" NOT NULL,
    etag          text NOT NULL,
    created_at    bigint NOT NULL, -- Unix time in milliseconds
    updated_at    bigint NOT NULL,
    document      text NOT NULL, -- JSON, masked: what every answer shows
    secrets       bytea NOT NULL, -- sealed JSON object, bound to the id
    report        text -- JSON of the latest check
);

CREATE INDEX connection_by_age ON connection (organization, sandbox, created_at, id);
CREATE INDEX connection_by_name ON connection (organization, sandbox, name, id);

-- One sealed value that is known, so that a wrong key is noticed before it is used.
CREATE TABLE seal_check (
    number  integer PRIMARY KEY CHECK (number = 1),
    sealed  bytea NOT NULL
);
