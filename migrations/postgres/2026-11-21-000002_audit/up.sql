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
