ALTER TABLE totp_enrolments DROP COLUMN credential_version;
ALTER TABLE users DROP COLUMN factor_since;
DROP TABLE passkey_challenges;
DROP TABLE passkeys;
