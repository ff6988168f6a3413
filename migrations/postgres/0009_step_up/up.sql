-- When the user last gave the password in the session; null: at its beginning.
ALTER TABLE sessions ADD COLUMN authenticated_at TIMESTAMPTZ CHECK (isfinite(authenticated_at));
