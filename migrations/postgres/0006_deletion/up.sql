-- When the account is gone: it is inactive until then, and can be restored.
ALTER TABLE users ADD COLUMN deletes_at TIMESTAMPTZ CHECK (isfinite(deletes_at));
-- Whether it was active before, and is again when it is restored.
ALTER TABLE users ADD COLUMN active_before_deletion BOOLEAN NOT NULL DEFAULT true;

CREATE INDEX users_deletes_at ON users (deletes_at) WHERE deletes_at IS NOT NULL;
-- Accounts that nobody has proved. Without `last_login_at`: a login would have to write every index.
CREATE INDEX users_abandoned ON users (created_at)
    WHERE NOT is_verified AND NOT recovery_verified;
