DROP INDEX users_abandoned;
DROP INDEX users_deletes_at;
ALTER TABLE users DROP COLUMN active_before_deletion;
ALTER TABLE users DROP COLUMN deletes_at;
