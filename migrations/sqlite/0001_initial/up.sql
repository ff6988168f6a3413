-- Times are microseconds since 1970-01-01T00:00:00Z. They are integers: SQLite has no type for
-- times, and integers can be compared and indexed.

-- The migrations that this database has. Not diesel's table: an application that embeds menjin may
-- keep migrations of its own there.
CREATE TABLE menjin_schema (
    version INTEGER PRIMARY KEY,
    applied_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 AS INTEGER)),
    -- The oldest program that may use the database from then on, by the newest migration it knows.
    oldest_program INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    -- AUTOINCREMENT: the id of a deleted account is never given to another.
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    username TEXT NOT NULL CHECK (username <> ''),
    username_canonical TEXT NOT NULL UNIQUE CHECK (username_canonical <> ''),
    email TEXT NOT NULL CHECK (email <> ''),
    email_canonical TEXT NOT NULL UNIQUE CHECK (email_canonical LIKE '%_@_%'),
    password_hash TEXT NOT NULL,
    credential_version INTEGER NOT NULL CHECK (credential_version >= 0),
    -- No list of the roles: the next version knows more of them.
    role TEXT NOT NULL CHECK (role <> ''),
    full_name TEXT CHECK (full_name <> ''),
    phone TEXT CHECK (phone <> ''),
    bio TEXT CHECK (bio <> ''),
    avatar TEXT CHECK (avatar <> ''),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    is_verified INTEGER NOT NULL CHECK (is_verified IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER,
    last_login_at INTEGER,
    -- A name with an `@` could be another's address.
    CHECK (instr(username_canonical, '@') = 0)
) STRICT;

-- Pages of one role.
CREATE INDEX users_role_id ON users (role, id);
-- Whether another administrator is active.
CREATE INDEX users_active_admins ON users (id) WHERE role = 'admin' AND is_active = 1;

-- How many users each role has. Every page shows the total, and counting a million rows takes
-- longer than the rest of the request. A `REPLACE INTO users` by hand is not counted correctly:
-- SQLite runs no trigger for the row that it removes.
CREATE TABLE user_counts (
    role TEXT NOT NULL PRIMARY KEY,
    total INTEGER NOT NULL CHECK (total >= 0)
) STRICT, WITHOUT ROWID;

-- No ON CONFLICT in a trigger: SQLite takes the one of the statement that fired it.
CREATE TRIGGER users_counted_on_insert AFTER INSERT ON users BEGIN
    INSERT INTO user_counts (role, total)
    SELECT new.role, 0 WHERE NOT EXISTS (SELECT 1 FROM user_counts WHERE role = new.role);
    UPDATE user_counts SET total = total + 1 WHERE role = new.role;
END;

CREATE TRIGGER users_counted_on_delete AFTER DELETE ON users BEGIN
    UPDATE user_counts SET total = total - 1 WHERE role = old.role;
END;

CREATE TRIGGER users_counted_on_update AFTER UPDATE OF role ON users BEGIN
    UPDATE user_counts SET total = total - 1 WHERE role = old.role;
    INSERT INTO user_counts (role, total)
    SELECT new.role, 0 WHERE NOT EXISTS (SELECT 1 FROM user_counts WHERE role = new.role);
    UPDATE user_counts SET total = total + 1 WHERE role = new.role;
END;

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL CHECK (generation >= 0),
    -- The generation before the current one that was not void, and when it was first used.
    predecessor INTEGER,
    rotated_at INTEGER,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    client_address TEXT NOT NULL CHECK (client_address <> ''),
    user_agent TEXT,
    CHECK ((predecessor IS NULL) = (rotated_at IS NULL)),
    CHECK (predecessor >= 0 AND predecessor < generation)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_user_id ON sessions (user_id);
-- What is over, for deletion.
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE login_throttles (
    subject TEXT NOT NULL CHECK (subject <> ''),
    -- '': the count over all networks.
    network TEXT NOT NULL,
    failures INTEGER NOT NULL CHECK (failures > 0),
    last_failure_at INTEGER NOT NULL,
    PRIMARY KEY (subject, network)
) STRICT, WITHOUT ROWID;

CREATE INDEX login_throttles_last_failure_at ON login_throttles (last_failure_at);

-- What happened: appended, never changed, and deleted when it is old.

CREATE TABLE audit_events (
    -- AUTOINCREMENT: the id of a deleted record is never given to another.
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    at INTEGER NOT NULL,
    -- No list of the actions: the next version knows more of them.
    action TEXT NOT NULL CHECK (action <> ''),
    outcome TEXT NOT NULL CHECK (outcome IN ('success', 'failure')),
    reason TEXT CHECK (reason <> ''),
    -- No references: a record outlives what it tells of.
    actor_id INTEGER CHECK (actor_id > 0),
    subject_id INTEGER CHECK (subject_id > 0),
    session_id BLOB CHECK (length(session_id) = 16),
    client_address TEXT NOT NULL CHECK (client_address <> ''),
    user_agent TEXT,
    request_id TEXT CHECK (request_id <> ''),
    CHECK (reason IS NULL OR outcome = 'failure')
) STRICT;

-- Pages are by time and, within a moment, by id, which ends each entry of an index as it is.
CREATE INDEX audit_events_at ON audit_events (at);
CREATE INDEX audit_events_subject ON audit_events (subject_id, at) WHERE subject_id IS NOT NULL;
-- What administrators did to others. Most do what they do on their own account.
CREATE INDEX audit_events_actor ON audit_events (actor_id, at)
    WHERE actor_id IS NOT NULL AND actor_id IS DISTINCT FROM subject_id;
-- Refreshes are most of all records, and a walk over them finds one soon.
CREATE INDEX audit_events_action ON audit_events (action, at) WHERE action <> 'refreshed';
CREATE INDEX audit_events_failures ON audit_events (at) WHERE outcome = 'failure';

CREATE TRIGGER audit_events_append_only BEFORE UPDATE ON audit_events BEGIN
    SELECT RAISE(ABORT, 'records of what happened are not changed');
END;
