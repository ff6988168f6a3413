-- The address that the owner asked for, until its link is used. It is void once the credentials are of
-- another version than they were then.
ALTER TABLE users ADD COLUMN pending_email TEXT CHECK (pending_email <> '');
ALTER TABLE users ADD COLUMN pending_email_canonical TEXT CHECK (pending_email_canonical <> '');
ALTER TABLE users ADD COLUMN pending_version INTEGER;
ALTER TABLE users ADD COLUMN pending_since INTEGER;
-- Whether the current address was set together with the password: once it is proved, new passwords go
-- to it.
ALTER TABLE users ADD COLUMN email_by_password INTEGER NOT NULL DEFAULT 0 CHECK (email_by_password IN (0, 1));
-- Until then no link to a new password is sent: a change of the address was undone.
ALTER TABLE users ADD COLUMN reset_after INTEGER;

CREATE INDEX users_pending_since ON users (pending_since) WHERE pending_since IS NOT NULL;

-- The address that the token gives back, as typed.
ALTER TABLE one_time_tokens ADD COLUMN address TEXT CHECK (address <> '');

-- Addresses that are reserved while their owners can take them back.
CREATE INDEX one_time_tokens_reserved ON one_time_tokens (email)
    WHERE purpose = 'undo_email_change' AND ended_at IS NULL;
