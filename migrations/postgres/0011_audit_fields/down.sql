DROP INDEX audit_events_changed;
ALTER TABLE audit_events DROP COLUMN changed;
