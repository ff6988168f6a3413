-- Work that goes on after its request was answered. What it is to do, reads and reports is encrypted. It is
-- deleted an hour after something was last done with it.
CREATE TABLE jobs (
    -- AUTOINCREMENT: the id of a deleted job is never given to another.
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    kind TEXT NOT NULL CHECK (kind IN ('import', 'batch')),
    -- Who made it.
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('checking', 'checked', 'running', 'done', 'failed')),
    -- What it is to do.
    spec BLOB NOT NULL,
    -- Why it failed.
    failure TEXT CHECK (failure <> ''),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- Who does it, and until when nobody else does.
    lease BLOB CHECK (length(lease) = 16),
    leased_until INTEGER,
    -- How many parts are done, and what was done in them.
    parts INTEGER NOT NULL DEFAULT 0 CHECK (parts >= 0),
    created INTEGER NOT NULL DEFAULT 0 CHECK (created >= 0),
    updated INTEGER NOT NULL DEFAULT 0 CHECK (updated >= 0),
    unchanged INTEGER NOT NULL DEFAULT 0 CHECK (unchanged >= 0),
    failed INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
    CHECK ((lease IS NULL) = (leased_until IS NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL))
) STRICT;

-- A user has one job that is not done.
CREATE UNIQUE INDEX jobs_one_a_user ON jobs (user_id) WHERE state IN ('checking', 'checked', 'running');
CREATE INDEX jobs_user_id ON jobs (user_id);
CREATE INDEX jobs_at_work ON jobs (id) WHERE state IN ('checking', 'running');
CREATE INDEX jobs_expires_at ON jobs (expires_at);

-- What a job reads ('input') and reports ('report'), in parts.
CREATE TABLE job_parts (
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('input', 'report')),
    number INTEGER NOT NULL CHECK (number >= 0),
    content BLOB NOT NULL,
    PRIMARY KEY (job_id, kind, number)
) STRICT;
