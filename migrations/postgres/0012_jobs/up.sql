-- Work that goes on after its request was answered. What it is to do, reads and reports is encrypted. It is
-- deleted an hour after something was last done with it.
CREATE TABLE jobs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (id > 0),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('import', 'batch')),
    -- Who made it.
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('checking', 'checked', 'running', 'done', 'failed')),
    -- What it is to do.
    spec BYTEA NOT NULL,
    -- Why it failed.
    failure TEXT CHECK (failure <> ''),
    created_at TIMESTAMPTZ NOT NULL CHECK (isfinite(created_at)),
    expires_at TIMESTAMPTZ NOT NULL CHECK (isfinite(expires_at)),
    -- Who does it, and until when nobody else does.
    lease UUID,
    leased_until TIMESTAMPTZ CHECK (isfinite(leased_until)),
    -- How many parts are done, and what was done in them.
    parts BIGINT NOT NULL DEFAULT 0 CHECK (parts >= 0),
    created BIGINT NOT NULL DEFAULT 0 CHECK (created >= 0),
    updated BIGINT NOT NULL DEFAULT 0 CHECK (updated >= 0),
    unchanged BIGINT NOT NULL DEFAULT 0 CHECK (unchanged >= 0),
    failed BIGINT NOT NULL DEFAULT 0 CHECK (failed >= 0),
    CHECK ((lease IS NULL) = (leased_until IS NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL))
);

-- A user has one job that is not done.
CREATE UNIQUE INDEX jobs_one_a_user ON jobs (user_id) WHERE state IN ('checking', 'checked', 'running');
CREATE INDEX jobs_user_id ON jobs (user_id);
CREATE INDEX jobs_at_work ON jobs (id) WHERE state IN ('checking', 'running');
CREATE INDEX jobs_expires_at ON jobs (expires_at);

-- What a job reads ('input') and reports ('report'), in parts.
CREATE TABLE job_parts (
    job_id BIGINT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('input', 'report')),
    number BIGINT NOT NULL CHECK (number >= 0),
    content BYTEA NOT NULL,
    PRIMARY KEY (job_id, kind, number)
);

-- What is encrypted cannot be compressed.
ALTER TABLE job_parts ALTER COLUMN content SET STORAGE EXTERNAL;
