-- Whether the account has a second factor. It is in the row that every login reads.
ALTER TABLE users ADD COLUMN has_factor BOOLEAN NOT NULL DEFAULT FALSE;
-- Whether a second factor was given in the session.
ALTER TABLE sessions ADD COLUMN has_factor BOOLEAN NOT NULL DEFAULT FALSE;

-- Authenticators. The secret is encrypted, in base64, with the key of this id.
CREATE TABLE totp_factors (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret TEXT COLLATE "C" NOT NULL CHECK (secret <> ''),
    key_id TEXT COLLATE "C" NOT NULL CHECK (key_id <> ''),
    -- The step of the last code that was taken.
    last_step BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL CHECK (isfinite(created_at))
);

CREATE INDEX totp_factors_key_id ON totp_factors (key_id);

-- Authenticators that wait for their first code.
CREATE TABLE totp_enrolments (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    session_id UUID NOT NULL,
    secret TEXT COLLATE "C" NOT NULL CHECK (secret <> ''),
    key_id TEXT COLLATE "C" NOT NULL CHECK (key_id <> ''),
    expires_at TIMESTAMPTZ NOT NULL CHECK (isfinite(expires_at))
);

-- Recovery codes that were not used: what recognises each, made with the key of this id.
CREATE TABLE recovery_codes (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest TEXT COLLATE "C" NOT NULL CHECK (digest <> ''),
    key_id TEXT COLLATE "C" NOT NULL CHECK (key_id <> ''),
    PRIMARY KEY (user_id, digest)
);

CREATE INDEX recovery_codes_key_id ON recovery_codes (key_id);
