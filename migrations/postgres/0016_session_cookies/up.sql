-- The digest of the cookie by which a browser holds the session, if one does.
ALTER TABLE sessions ADD COLUMN cookie TEXT CHECK (cookie <> '');

CREATE UNIQUE INDEX sessions_cookie ON sessions (cookie) WHERE cookie IS NOT NULL;

-- The digest of a code by which an application gets a session of its own, and how long it is good.
ALTER TABLE sessions ADD COLUMN hand_off TEXT CHECK (hand_off <> '');
ALTER TABLE sessions ADD COLUMN hand_off_until TIMESTAMPTZ;

CREATE UNIQUE INDEX sessions_hand_off ON sessions (hand_off) WHERE hand_off IS NOT NULL;
