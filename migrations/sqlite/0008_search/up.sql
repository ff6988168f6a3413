-- Names in the form in which they are searched for: without case, width and accents. Of user name and
-- address only where it is another than the canonical form.
ALTER TABLE users ADD COLUMN username_search TEXT CHECK (username_search <> '');
ALTER TABLE users ADD COLUMN email_search TEXT CHECK (email_search <> '');
ALTER TABLE users ADD COLUMN full_name_search TEXT;
-- No database knows the form. This is close to it, until somebody changes the name.
UPDATE users SET full_name_search = lower(full_name) WHERE full_name IS NOT NULL;

CREATE INDEX users_username_search ON users (username_search) WHERE username_search IS NOT NULL;
CREATE INDEX users_email_search ON users (email_search) WHERE email_search IS NOT NULL;
CREATE INDEX users_full_name_search ON users (full_name_search) WHERE full_name_search IS NOT NULL;
-- Orders and filters. Each value of a flag may be the rare one.
CREATE INDEX users_created_at ON users (created_at, id);
CREATE INDEX users_last_login_at ON users (last_login_at, id);
CREATE INDEX users_is_active ON users (is_active, id);
CREATE INDEX users_is_verified ON users (is_verified, id);
