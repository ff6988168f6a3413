-- Which fields of the account were changed, by their names with commas between them; never what they held.
ALTER TABLE audit_events ADD COLUMN changed TEXT CHECK (changed <> '');
CREATE INDEX audit_events_changed ON audit_events (at, id) WHERE changed IS NOT NULL;
