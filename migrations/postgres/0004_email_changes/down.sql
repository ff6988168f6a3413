DROP INDEX one_time_tokens_reserved;
ALTER TABLE one_time_tokens DROP COLUMN address;
DROP INDEX users_pending_since;
ALTER TABLE users DROP COLUMN reset_after;
ALTER TABLE users DROP COLUMN email_by_password;
ALTER TABLE users DROP COLUMN pending_since;
ALTER TABLE users DROP COLUMN pending_version;
ALTER TABLE users DROP COLUMN pending_email_canonical;
ALTER TABLE users DROP COLUMN pending_email;
