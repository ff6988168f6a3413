-- Passkeys. The id that its authenticator gave a passkey, and its public key, are in base64url.
CREATE TABLE passkeys (
    -- AUTOINCREMENT: the id of a passkey that is gone is never given to another.
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id TEXT NOT NULL UNIQUE CHECK (credential_id <> ''),
    public_key TEXT NOT NULL CHECK (public_key <> ''),
    name TEXT NOT NULL CHECK (name <> ''),
    -- How often it has signed, as it says of itself.
    sign_count INTEGER NOT NULL CHECK (sign_count >= 0),
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

CREATE INDEX passkeys_user_id ON passkeys (user_id);

-- What was given out to be signed by a passkey, and was not yet. Without a user it is for a log-in; with a
-- session, for making a passkey there.
CREATE TABLE passkey_challenges (
    challenge TEXT NOT NULL PRIMARY KEY CHECK (challenge <> ''),
    user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
    session_id BLOB CHECK (length(session_id) = 16),
    credential_version INTEGER,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX passkey_challenges_user_id ON passkey_challenges (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX passkey_challenges_expires_at ON passkey_challenges (expires_at);

-- Since when the account has had a second factor without a gap: whoever takes a change of the address back is asked
-- for one that was there before.
ALTER TABLE users ADD COLUMN factor_since INTEGER;
UPDATE users SET factor_since =
    (SELECT created_at FROM totp_factors WHERE totp_factors.user_id = users.id)
    WHERE has_factor;

-- What was begun is of no use once the password, or a factor, has changed. What is there lives for ten minutes.
ALTER TABLE totp_enrolments ADD COLUMN credential_version INTEGER NOT NULL DEFAULT 0;
