ALTER TABLE users DROP COLUMN first_password_until;
ALTER TABLE users DROP COLUMN first_password_from;
ALTER TABLE users DROP COLUMN ban_reason;
ALTER TABLE users DROP COLUMN banned_until;
