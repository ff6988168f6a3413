-- Older SQLites, such as 3.40, call NULL no valid JSON: whoever links the one of the system could make no account.
ALTER TABLE users ADD COLUMN checked TEXT
    CHECK (checked IS NULL OR (json_valid(checked) AND checked <> '{}'));
UPDATE users SET checked = attributes WHERE attributes IS NOT NULL;
ALTER TABLE users DROP COLUMN attributes;
ALTER TABLE users RENAME COLUMN checked TO attributes;
