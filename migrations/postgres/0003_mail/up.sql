-- The language of mails to the user; null: not known.
ALTER TABLE users ADD COLUMN locale TEXT COLLATE "C" CHECK (locale <> '');
-- The address before the current one, for as long as the current one has not taken its place as the
-- address that new passwords go to; and whether its owner had proved it.
ALTER TABLE users ADD COLUMN recovery_email TEXT CHECK (recovery_email <> '');
ALTER TABLE users ADD COLUMN recovery_verified BOOLEAN NOT NULL DEFAULT false;
-- When the current address was proved without the password.
ALTER TABLE users ADD COLUMN email_proved_at TIMESTAMPTZ CHECK (isfinite(email_proved_at));

-- The outbox: a row is written with its cause. It holds neither the text of a mail nor its token.
CREATE TABLE mails (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (id > 0),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind <> ''),
    -- 0: notices; 1: what anybody can cause.
    urgency BIGINT NOT NULL,
    user_id BIGINT REFERENCES users (id) ON DELETE CASCADE,
    -- Who was asked for, until it is known whose name it is.
    name TEXT CHECK (name <> ''),
    recipient TEXT CHECK (recipient <> ''),
    locale TEXT COLLATE "C" CHECK (locale <> ''),
    -- From these the token of the mail is made, with a key that is not in the database.
    seed TEXT COLLATE "C" NOT NULL CHECK (length(seed) = 64),
    key_id TEXT COLLATE "C" NOT NULL CHECK (key_id <> ''),
    client_address INET NOT NULL,
    user_agent TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    queued_at TIMESTAMPTZ NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
    -- Until when a worker has it for itself, and how often one has taken it.
    leased_until TIMESTAMPTZ,
    claims BIGINT NOT NULL DEFAULT 0 CHECK (claims >= 0),
    attempts BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error_code TEXT,
    error TEXT,
    sent_at TIMESTAMPTZ
);

CREATE INDEX mails_due ON mails (urgency, due_at) WHERE state = 'queued';
CREATE INDEX mails_user_id ON mails (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX mails_queued_at ON mails (queued_at);

-- What recognises the tokens of links. Used ones stay until they are old: a mail that is sent twice
-- must not make its token anew.
CREATE TABLE one_time_tokens (
    digest TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(digest) = 64),
    purpose TEXT COLLATE "C" NOT NULL CHECK (purpose <> ''),
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- It is void once the credentials are of another version.
    credential_version BIGINT,
    -- The canonical address that it was sent to.
    email TEXT COLLATE "C" NOT NULL CHECK (email <> ''),
    client_address INET NOT NULL,
    user_agent TEXT,
    mail_id BIGINT REFERENCES mails (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    -- Null: its mail was not handed over yet.
    expires_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ
);

CREATE INDEX one_time_tokens_user_id ON one_time_tokens (user_id, purpose);
CREATE INDEX one_time_tokens_mail_id ON one_time_tokens (mail_id) WHERE mail_id IS NOT NULL;
CREATE INDEX one_time_tokens_created_at ON one_time_tokens (created_at);
