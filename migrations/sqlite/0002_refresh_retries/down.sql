ALTER TABLE sessions DROP COLUMN retries;
