-- Until when the user is kept out, and why. A ban that is over stays until the next change.
ALTER TABLE users ADD COLUMN banned_until TIMESTAMPTZ CHECK (isfinite(banned_until));
ALTER TABLE users ADD COLUMN ban_reason TEXT CHECK (ban_reason <> '');
-- When a password is good that somebody else has set: its user has to change it.
ALTER TABLE users ADD COLUMN first_password_from TIMESTAMPTZ CHECK (isfinite(first_password_from));
ALTER TABLE users ADD COLUMN first_password_until TIMESTAMPTZ CHECK (isfinite(first_password_until));
ALTER TABLE users ADD CONSTRAINT users_ban_valid CHECK (ban_reason IS NULL OR banned_until IS NOT NULL);
ALTER TABLE users ADD CONSTRAINT users_first_password_valid
    CHECK ((first_password_from IS NULL) = (first_password_until IS NULL));
