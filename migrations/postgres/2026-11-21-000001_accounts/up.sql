-- Canonical forms are compared byte by byte, hence "C": the same order and the same equality
-- whatever the locale of the database is, and whichever version of it the system has.

CREATE TABLE users (
    -- Always: an id of somebody's choice would one day be met by the sequence.
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username TEXT NOT NULL,
    username_canonical TEXT COLLATE "C" NOT NULL,
    email TEXT NOT NULL,
    email_canonical TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    credential_version BIGINT NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    full_name TEXT,
    phone TEXT,
    bio TEXT,
    avatar TEXT,
    is_active BOOLEAN NOT NULL,
    is_verified BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ,
    last_login_at TIMESTAMPTZ,
    CONSTRAINT users_username_taken UNIQUE (username_canonical),
    CONSTRAINT users_email_taken UNIQUE (email_canonical),
    CONSTRAINT users_id_positive CHECK (id > 0),
    CONSTRAINT users_username_valid CHECK (username <> '' AND username_canonical <> ''),
    CONSTRAINT users_email_valid CHECK (email <> '' AND email_canonical LIKE '%_@_%'),
    -- A name with an `@` could be another's address.
    CONSTRAINT users_username_no_address CHECK (strpos(username_canonical, '@') = 0),
    CONSTRAINT users_epoch_valid CHECK (credential_version >= 0),
    CONSTRAINT users_role_known CHECK (role IN ('student', 'teacher', 'admin')),
    CONSTRAINT users_full_name_not_empty CHECK (full_name <> ''),
    CONSTRAINT users_phone_not_empty CHECK (phone <> ''),
    CONSTRAINT users_bio_not_empty CHECK (bio <> ''),
    CONSTRAINT users_avatar_not_empty CHECK (avatar <> ''),
    CONSTRAINT users_times_finite
        CHECK (isfinite(created_at) AND isfinite(updated_at) AND isfinite(last_login_at))
);

-- Pages of one role.
CREATE INDEX users_role_id ON users (role, id);
-- Whether another administrator is active.
CREATE INDEX users_active_admins ON users (id) WHERE role = 'admin' AND is_active;

-- How many users each role has: every page shows the total, and counting a million rows takes
-- longer than all the rest of the request. Sixteen rows a role, by the id of the user: one row
-- would be locked by each registration until it has committed, and so queue them all.
CREATE TABLE user_counts (
    role TEXT COLLATE "C" NOT NULL,
    shard SMALLINT NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (role, shard),
    CONSTRAINT user_counts_role_known CHECK (role IN ('student', 'teacher', 'admin')),
    CONSTRAINT user_counts_shard_valid CHECK (shard BETWEEN 0 AND 15),
    CONSTRAINT user_counts_total_valid CHECK (total >= 0)
) WITH (fillfactor = 50);

INSERT INTO user_counts (role, shard, total)
SELECT role, shard, 0
FROM unnest(ARRAY['student', 'teacher', 'admin']) AS role, generate_series(0, 15) AS shard;

CREATE FUNCTION users_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE user_counts SET total = total - 1 WHERE role = OLD.role AND shard = OLD.id % 16;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        UPDATE user_counts SET total = total + 1 WHERE role = NEW.role AND shard = NEW.id % 16;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_counted AFTER INSERT OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION users_count();
CREATE TRIGGER users_counted_on_update AFTER UPDATE OF role ON users
    FOR EACH ROW WHEN (OLD.role <> NEW.role) EXECUTE FUNCTION users_count();

CREATE FUNCTION users_uncount_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE user_counts SET total = 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_counted_on_truncate AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION users_uncount_all();

CREATE TABLE sessions (
    id UUID PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    -- The generation before the current one that was not void, and when it was first used.
    predecessor BIGINT,
    rotated_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    client_address INET NOT NULL,
    user_agent TEXT,
    CONSTRAINT sessions_generation_valid CHECK (generation >= 0),
    CONSTRAINT sessions_lineage_whole CHECK ((predecessor IS NULL) = (rotated_at IS NULL)),
    CONSTRAINT sessions_predecessor_valid CHECK (predecessor >= 0 AND predecessor < generation),
    CONSTRAINT sessions_client_is_host
        CHECK (masklen(client_address) = CASE family(client_address) WHEN 4 THEN 32 ELSE 128 END),
    CONSTRAINT sessions_times_finite CHECK (
        isfinite(rotated_at) AND isfinite(created_at) AND isfinite(last_used_at)
        AND isfinite(expires_at) AND isfinite(ended_at)
    )
-- A refresh changes no indexed column: with room in the page it costs no index entry.
) WITH (fillfactor = 80);

CREATE INDEX sessions_user_id ON sessions (user_id);
-- What is over, for deletion.
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE login_throttles (
    subject TEXT COLLATE "C" NOT NULL,
    -- '': the count over all networks.
    network TEXT COLLATE "C" NOT NULL,
    failures BIGINT NOT NULL,
    last_failure_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (subject, network),
    CONSTRAINT login_throttles_subject_not_empty CHECK (subject <> ''),
    CONSTRAINT login_throttles_failures_positive CHECK (failures > 0),
    CONSTRAINT login_throttles_time_finite CHECK (isfinite(last_failure_at))
);

CREATE INDEX login_throttles_last_failure_at ON login_throttles (last_failure_at);
