DROP INDEX sessions_hand_off;
ALTER TABLE sessions DROP COLUMN hand_off_until;
ALTER TABLE sessions DROP COLUMN hand_off;
DROP INDEX sessions_cookie;
ALTER TABLE sessions DROP COLUMN cookie;
