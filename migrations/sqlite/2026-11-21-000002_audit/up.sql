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
    WHERE actor_id IS NOT NULL AND actor_id IS NOT subject_id;
-- Refreshes are most of all records, and a walk over them finds one soon.
CREATE INDEX audit_events_action ON audit_events (action, at) WHERE action <> 'refreshed';
CREATE INDEX audit_events_failures ON audit_events (at) WHERE outcome = 'failure';

CREATE TRIGGER audit_events_append_only BEFORE UPDATE ON audit_events BEGIN
    SELECT RAISE(ABORT, 'records of what happened are not changed');
END;
