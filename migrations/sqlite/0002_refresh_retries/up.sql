-- How often a refresh token of the session was taken once more: a session has a bounded number of such
-- retries.
ALTER TABLE sessions ADD COLUMN retries INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0);
