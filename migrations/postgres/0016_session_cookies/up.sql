-- The digest of the cookie by which a browser holds the session, if one does.
ALTER TABLE sessions ADD COLUMN cookie TEXT CHECK (cookie <> '');

CREATE UNIQUE INDEX sessions_cookie ON sessions (cookie) WHERE cookie IS NOT NULL;
