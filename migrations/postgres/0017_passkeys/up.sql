-- Passkeys. The id that its authenticator gave a passkey, and its public key, are in base64url.
CREATE TABLE passkeys (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (id > 0),
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id TEXT COLLATE "C" NOT NULL UNIQUE CHECK (credential_id <> ''),
    public_key TEXT COLLATE "C" NOT NULL CHECK (public_key <> ''),
    name TEXT NOT NULL CHECK (name <> ''),
    -- How often it has signed, as it says of itself.
    sign_count BIGINT NOT NULL CHECK (sign_count >= 0),
    created_at TIMESTAMPTZ NOT NULL CHECK (isfinite(created_at)),
    last_used_at TIMESTAMPTZ CHECK (isfinite(last_used_at))
);

CREATE INDEX passkeys_user_id ON passkeys (user_id);

-- What was given out to be signed by a passkey, and was not yet. Without a user it is for a log-in; with a
-- session, for making a passkey there.
CREATE TABLE passkey_challenges (
    challenge TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (challenge <> ''),
    user_id BIGINT REFERENCES users (id) ON DELETE CASCADE,
    session_id UUID,
    credential_version BIGINT,
    expires_at TIMESTAMPTZ NOT NULL CHECK (isfinite(expires_at))
);

CREATE INDEX passkey_challenges_user_id ON passkey_challenges (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX passkey_challenges_expires_at ON passkey_challenges (expires_at);

-- Since when the account has had a second factor without a gap: whoever takes a change of the address back is asked
-- for one that was there before.
ALTER TABLE users ADD COLUMN factor_since TIMESTAMPTZ CHECK (isfinite(factor_since));
UPDATE users SET factor_since =
    (SELECT created_at FROM totp_factors WHERE totp_factors.user_id = users.id)
    WHERE has_factor;

-- What was begun is of no use once the password, or a factor, has changed. What is there lives for ten minutes.
ALTER TABLE totp_enrolments ADD COLUMN credential_version BIGINT NOT NULL DEFAULT 0;
