-- Whether the account has a second factor. It is in the row that every login reads.
ALTER TABLE users ADD COLUMN has_factor INTEGER NOT NULL DEFAULT 0 CHECK (has_factor IN (0, 1));
-- Whether a second factor was given in the session.
ALTER TABLE sessions ADD COLUMN has_factor INTEGER NOT NULL DEFAULT 0 CHECK (has_factor IN (0, 1));

-- Authenticators. The secret is encrypted, in base64, with the key of this id.
CREATE TABLE totp_factors (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret TEXT NOT NULL CHECK (secret <> ''),
    key_id TEXT NOT NULL CHECK (key_id <> ''),
    -- The step of the last code that was taken.
    last_step INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX totp_factors_key_id ON totp_factors (key_id);

-- Authenticators that wait for their first code.
CREATE TABLE totp_enrolments (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    session_id BLOB NOT NULL CHECK (length(session_id) = 16),
    secret TEXT NOT NULL CHECK (secret <> ''),
    key_id TEXT NOT NULL CHECK (key_id <> ''),
    expires_at INTEGER NOT NULL
) STRICT;

-- Recovery codes that were not used: what recognises each, made with the key of this id.
CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest TEXT NOT NULL CHECK (digest <> ''),
    key_id TEXT NOT NULL CHECK (key_id <> ''),
    PRIMARY KEY (user_id, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX recovery_codes_key_id ON recovery_codes (key_id);
