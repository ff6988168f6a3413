//! The tables as the migrations of both databases create them.
#![expect(missing_docs, reason = "what diesel makes of each column")]

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::sql_types::Moment;

    users (id) {
        id -> BigInt,
        username -> Text,
        username_canonical -> Text,
        email -> Text,
        email_canonical -> Text,
        password_hash -> Text,
        credential_version -> BigInt,
        role -> Text,
        full_name -> Nullable<Text>,
        phone -> Nullable<Text>,
        bio -> Nullable<Text>,
        avatar -> Nullable<Text>,
        is_active -> Bool,
        is_verified -> Bool,
        created_at -> Moment,
        updated_at -> Nullable<Moment>,
        last_login_at -> Nullable<Moment>,
        locale -> Nullable<Text>,
        recovery_email -> Nullable<Text>,
        recovery_verified -> Bool,
        email_proved_at -> Nullable<Moment>,
        pending_email -> Nullable<Text>,
        pending_email_canonical -> Nullable<Text>,
        pending_version -> Nullable<BigInt>,
        pending_since -> Nullable<Moment>,
        email_by_password -> Bool,
        reset_after -> Nullable<Moment>,
        deletes_at -> Nullable<Moment>,
        active_before_deletion -> Bool,
        banned_until -> Nullable<Moment>,
        ban_reason -> Nullable<Text>,
        first_password_from -> Nullable<Moment>,
        first_password_until -> Nullable<Moment>,
        username_search -> Nullable<Text>,
        email_search -> Nullable<Text>,
        full_name_search -> Nullable<Text>,
        attributes -> Nullable<Text>,
        has_factor -> Bool,
        factor_since -> Nullable<Moment>,
    }
}

diesel::table! {
    // PostgreSQL has several rows per role.
    user_counts (role) {
        role -> Text,
        total -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::sql_types::{Address, Moment, Uuid16};

    sessions (id) {
        id -> Uuid16,
        user_id -> BigInt,
        generation -> BigInt,
        predecessor -> Nullable<BigInt>,
        rotated_at -> Nullable<Moment>,
        retries -> BigInt,
        created_at -> Moment,
        last_used_at -> Moment,
        expires_at -> Moment,
        ended_at -> Nullable<Moment>,
        client_address -> Address,
        user_agent -> Nullable<Text>,
        authenticated_at -> Nullable<Moment>,
        ends_at -> Nullable<Moment>,
        has_factor -> Bool,
        cookie -> Nullable<Text>,
        hand_off -> Nullable<Text>,
        hand_off_until -> Nullable<Moment>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql_types::Moment;

    totp_factors (user_id) {
        user_id -> BigInt,
        secret -> Text,
        key_id -> Text,
        last_step -> BigInt,
        created_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql_types::{Moment, Uuid16};

    totp_enrolments (user_id) {
        user_id -> BigInt,
        session_id -> Uuid16,
        secret -> Text,
        key_id -> Text,
        expires_at -> Moment,
        credential_version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::Moment;

    passkeys (id) {
        id -> BigInt,
        user_id -> BigInt,
        credential_id -> Text,
        public_key -> Text,
        name -> Text,
        sign_count -> BigInt,
        created_at -> Moment,
        last_used_at -> Nullable<Moment>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Moment, Uuid16};

    passkey_challenges (challenge) {
        challenge -> Text,
        user_id -> Nullable<BigInt>,
        session_id -> Nullable<Uuid16>,
        credential_version -> Nullable<BigInt>,
        expires_at -> Moment,
    }
}

diesel::table! {
    recovery_codes (user_id, digest) {
        user_id -> BigInt,
        digest -> Text,
        key_id -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql_types::Moment;

    login_throttles (subject, network) {
        subject -> Text,
        network -> Text,
        failures -> BigInt,
        last_failure_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Address, Moment, Uuid16};

    audit_events (at, id) {
        id -> BigInt,
        at -> Moment,
        action -> Text,
        outcome -> Text,
        reason -> Nullable<Text>,
        actor_id -> Nullable<BigInt>,
        subject_id -> Nullable<BigInt>,
        session_id -> Nullable<Uuid16>,
        client_address -> Address,
        user_agent -> Nullable<Text>,
        request_id -> Nullable<Text>,
        changed -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Address, Moment};

    mails (id) {
        id -> BigInt,
        kind -> Text,
        urgency -> BigInt,
        user_id -> Nullable<BigInt>,
        name -> Nullable<Text>,
        recipient -> Nullable<Text>,
        locale -> Nullable<Text>,
        seed -> Text,
        key_id -> Text,
        client_address -> Address,
        user_agent -> Nullable<Text>,
        created_at -> Moment,
        queued_at -> Moment,
        due_at -> Moment,
        state -> Text,
        leased_until -> Nullable<Moment>,
        claims -> BigInt,
        attempts -> BigInt,
        error_code -> Nullable<Text>,
        error -> Nullable<Text>,
        sent_at -> Nullable<Moment>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Address, Moment};

    one_time_tokens (digest) {
        digest -> Text,
        purpose -> Text,
        user_id -> BigInt,
        credential_version -> Nullable<BigInt>,
        email -> Text,
        client_address -> Address,
        user_agent -> Nullable<Text>,
        mail_id -> Nullable<BigInt>,
        created_at -> Moment,
        expires_at -> Nullable<Moment>,
        ended_at -> Nullable<Moment>,
        address -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::Moment;

    invitations (id) {
        id -> BigInt,
        digest -> Text,
        email -> Nullable<Text>,
        email_canonical -> Nullable<Text>,
        role -> Text,
        uses -> BigInt,
        max_uses -> BigInt,
        lifetime -> BigInt,
        created_by -> Nullable<BigInt>,
        created_at -> Moment,
        expires_at -> Moment,
        revoked_at -> Nullable<Moment>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::sql_types::{Moment, Uuid16};

    jobs (id) {
        id -> BigInt,
        kind -> Text,
        user_id -> BigInt,
        state -> Text,
        spec -> Binary,
        failure -> Nullable<Text>,
        created_at -> Moment,
        expires_at -> Moment,
        lease -> Nullable<Uuid16>,
        leased_until -> Nullable<Moment>,
        parts -> BigInt,
        created -> BigInt,
        updated -> BigInt,
        unchanged -> BigInt,
        failed -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Text};

    job_parts (job_id, kind, number) {
        job_id -> BigInt,
        kind -> Text,
        number -> BigInt,
        content -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};

    attribute_terms (attribute, term, user_id) {
        attribute -> Text,
        term -> Text,
        user_id -> BigInt,
    }
}

diesel::joinable!(invitations -> users (created_by));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(one_time_tokens -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(
    attribute_terms,
    invitations,
    one_time_tokens,
    sessions,
    users
);
