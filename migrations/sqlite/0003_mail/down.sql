DROP TABLE one_time_tokens;
DROP TABLE mails;
ALTER TABLE users DROP COLUMN email_proved_at;
ALTER TABLE users DROP COLUMN recovery_verified;
ALTER TABLE users DROP COLUMN recovery_email;
ALTER TABLE users DROP COLUMN locale;
