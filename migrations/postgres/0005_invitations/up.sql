-- Who is invited, and by what token. An account is made when it is accepted.
CREATE TABLE invitations (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (id > 0),
    -- What recognises its token.
    digest TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(digest) = 64),
    -- Null: it is for whoever has the code.
    email TEXT CHECK (email <> ''),
    email_canonical TEXT COLLATE "C" CHECK (email_canonical <> ''),
    role TEXT COLLATE "C" NOT NULL CHECK (role <> ''),
    uses BIGINT NOT NULL DEFAULT 0 CHECK (uses >= 0 AND uses <= max_uses),
    max_uses BIGINT NOT NULL CHECK (max_uses > 0),
    -- For how many seconds each of its links works.
    lifetime BIGINT NOT NULL CHECK (lifetime > 0),
    -- Null: the owner of the machine.
    created_by BIGINT REFERENCES users (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL CHECK (isfinite(created_at)),
    expires_at TIMESTAMPTZ NOT NULL CHECK (isfinite(expires_at)),
    revoked_at TIMESTAMPTZ CHECK (isfinite(revoked_at)),
    CHECK ((email IS NULL) = (email_canonical IS NULL))
);

CREATE INDEX invitations_created_by ON invitations (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX invitations_expires_at ON invitations (expires_at);
