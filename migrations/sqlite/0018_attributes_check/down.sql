ALTER TABLE users ADD COLUMN checked TEXT CHECK (json_valid(checked) AND checked <> '{}');
UPDATE users SET checked = attributes WHERE attributes IS NOT NULL;
ALTER TABLE users DROP COLUMN attributes;
ALTER TABLE users RENAME COLUMN checked TO attributes;
