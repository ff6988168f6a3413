DROP TABLE recovery_codes;
DROP TABLE totp_enrolments;
DROP TABLE totp_factors;
ALTER TABLE sessions DROP COLUMN has_factor;
ALTER TABLE users DROP COLUMN has_factor;
