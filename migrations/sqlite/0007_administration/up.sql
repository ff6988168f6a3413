-- Until when the user is kept out, and why. A ban that is over stays until the next change.
ALTER TABLE users ADD COLUMN banned_until INTEGER;
ALTER TABLE users ADD COLUMN ban_reason TEXT CHECK (ban_reason <> '');
-- When a password is good that somebody else has set: its user has to change it.
ALTER TABLE users ADD COLUMN first_password_from INTEGER;
ALTER TABLE users ADD COLUMN first_password_until INTEGER
    CHECK ((first_password_from IS NULL) = (first_password_until IS NULL));
