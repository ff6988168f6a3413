-- The migrations that this database has. Not diesel's table: an application that embeds menjin may
-- keep migrations of its own there.
CREATE TABLE menjin_schema (
    version INTEGER PRIMARY KEY,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- The oldest program that may use the database from then on, by the newest migration it knows.
    oldest_program INTEGER NOT NULL
);

-- Canonical forms are compared byte by byte, hence "C": the order and the equality are the same
-- whatever the locale of the database is, and whichever version of the locale the system has.
--
-- PostgreSQL parses the CHECK constraints anew for each statement, which is a good part of what a
-- single refresh costs. As functions or domains they would cost less, but not much. They stay
-- because they hold changes by hand to the rules.

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
    CONSTRAINT users_credential_version_valid CHECK (credential_version >= 0),
    -- No list of the roles: the next version knows more of them.
    CONSTRAINT users_role_not_empty CHECK (role <> ''),
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

-- How many users each role has. Every page shows the total, and counting a million rows takes longer
-- than all the rest of the request. Sixteen rows a role, by the id of the user: a registration locks
-- its row until it commits, and one row for all would queue all registrations.
CREATE TABLE user_counts (
    role TEXT COLLATE "C" NOT NULL,
    shard SMALLINT NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (role, shard),
    CONSTRAINT user_counts_shard_valid CHECK (shard BETWEEN 0 AND 15),
    CONSTRAINT user_counts_total_valid CHECK (total >= 0)
) WITH (fillfactor = 50);

-- The functions keep the search path of this migration, so that they find the tables of this schema
-- whatever the path of the session is that fires them.

-- Counts the users of a statement together. One by one, a million users of one statement would each
-- leave a dead version of a row behind, which the next has to step over.
CREATE FUNCTION users_count() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO user_counts AS known (role, shard, total)
    SELECT role, id % 16, count(*) FROM changed GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (role, shard) DO UPDATE SET total = known.total + excluded.total;
    RETURN NULL;
END
$$;

CREATE FUNCTION users_uncount() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE user_counts AS known SET total = known.total - gone.total FROM (
        SELECT role, id % 16 AS shard, count(*) AS total FROM changed GROUP BY 1, 2
    ) AS gone WHERE known.role = gone.role AND known.shard = gone.shard;
    RETURN NULL;
END
$$;

-- For each row: PostgreSQL has no rows of a statement for triggers on columns, and a trigger on all
-- columns would run at each login.
CREATE FUNCTION users_recount() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE user_counts SET total = total - 1 WHERE role = OLD.role AND shard = OLD.id % 16;
    INSERT INTO user_counts AS known (role, shard, total) VALUES (NEW.role, NEW.id % 16, 1)
    ON CONFLICT (role, shard) DO UPDATE SET total = known.total + 1;
    RETURN NULL;
END
$$;

CREATE FUNCTION users_uncount_all() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE user_counts SET total = 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_counted AFTER INSERT ON users
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION users_count();
CREATE TRIGGER users_uncounted AFTER DELETE ON users
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION users_uncount();
CREATE TRIGGER users_counted_on_update AFTER UPDATE OF id, role ON users
    FOR EACH ROW WHEN (OLD.id <> NEW.id OR OLD.role <> NEW.role) EXECUTE FUNCTION users_recount();
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

-- What happened: appended, never changed, and deleted when it is old.

CREATE TABLE audit_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMPTZ NOT NULL,
    -- No list of the actions: the next version knows more of them.
    action TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C",
    -- No references: a record outlives what it tells of.
    actor_id BIGINT,
    subject_id BIGINT,
    session_id UUID,
    client_address INET NOT NULL,
    user_agent TEXT,
    request_id TEXT COLLATE "C",
    -- Pages are by time and, within a moment, by id. No index on the id alone: nothing asks for it,
    -- and each refresh would pay for it.
    PRIMARY KEY (at, id),
    CONSTRAINT audit_events_time_finite CHECK (isfinite(at)),
    CONSTRAINT audit_events_action_not_empty CHECK (action <> ''),
    CONSTRAINT audit_events_outcome_known CHECK (outcome IN ('success', 'failure')),
    CONSTRAINT audit_events_reason_valid
        CHECK (reason IS NULL OR (reason <> '' AND outcome = 'failure')),
    CONSTRAINT audit_events_users_positive CHECK (actor_id > 0 AND subject_id > 0),
    CONSTRAINT audit_events_client_is_host
        CHECK (masklen(client_address) = CASE family(client_address) WHEN 4 THEN 32 ELSE 128 END),
    CONSTRAINT audit_events_request_id_not_empty CHECK (request_id <> '')
);

CREATE INDEX audit_events_subject ON audit_events (subject_id, at, id) WHERE subject_id IS NOT NULL;
-- What administrators did to others. Most do what they do on their own account.
CREATE INDEX audit_events_actor ON audit_events (actor_id, at, id)
    WHERE actor_id IS NOT NULL AND actor_id IS DISTINCT FROM subject_id;
-- Refreshes are most of all records, and a walk over them finds one soon.
CREATE INDEX audit_events_action ON audit_events (action, at, id) WHERE action <> 'refreshed';
CREATE INDEX audit_events_failures ON audit_events (at, id) WHERE outcome = 'failure';

CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'records of what happened are not changed';
END
$$;

CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse();
