-- When the account is gone: it is inactive until then, and can be restored.
ALTER TABLE users ADD COLUMN deletes_at INTEGER;
-- Whether it was active before, and is again when it is restored.
ALTER TABLE users ADD COLUMN active_before_deletion INTEGER NOT NULL DEFAULT 1 CHECK (active_before_deletion IN (0, 1));

CREATE INDEX users_deletes_at ON users (deletes_at) WHERE deletes_at IS NOT NULL;
-- Accounts that nobody has proved.
CREATE INDEX users_abandoned ON users (created_at)
    WHERE is_verified = 0 AND recovery_verified = 0;
