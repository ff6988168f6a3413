-- Who is invited, and by what token. An account is made when it is accepted.
CREATE TABLE invitations (
    -- AUTOINCREMENT: the id of a deleted invitation is never given to another.
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    -- What recognises its token.
    digest TEXT NOT NULL UNIQUE CHECK (length(digest) = 64),
    -- Null: it is for whoever has the code.
    email TEXT CHECK (email <> ''),
    email_canonical TEXT CHECK (email_canonical <> ''),
    role TEXT NOT NULL CHECK (role <> ''),
    uses INTEGER NOT NULL DEFAULT 0 CHECK (uses >= 0 AND uses <= max_uses),
    max_uses INTEGER NOT NULL CHECK (max_uses > 0),
    -- For how many seconds each of its links works.
    lifetime INTEGER NOT NULL CHECK (lifetime > 0),
    -- Null: the owner of the machine.
    created_by INTEGER REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    CHECK ((email IS NULL) = (email_canonical IS NULL))
) STRICT;

CREATE INDEX invitations_created_by ON invitations (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX invitations_expires_at ON invitations (expires_at);
