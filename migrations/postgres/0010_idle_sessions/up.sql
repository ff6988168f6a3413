-- When the session ends at the latest; null: at expires_at, which comes sooner where sessions end that are not
-- used.
ALTER TABLE sessions ADD COLUMN ends_at TIMESTAMPTZ CHECK (isfinite(ends_at));
