//! The tables as `migrations/postgres` makes them.

diesel::table! {
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
        created_at -> Timestamptz,
        updated_at -> Nullable<Timestamptz>,
        last_login_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    user_counts (role, shard) {
        role -> Text,
        shard -> SmallInt,
        total -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> BigInt,
        generation -> BigInt,
        predecessor -> Nullable<BigInt>,
        rotated_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        last_used_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        client_address -> Inet,
        user_agent -> Nullable<Text>,
    }
}

diesel::table! {
    login_throttles (subject, network) {
        subject -> Text,
        network -> Text,
        failures -> BigInt,
        last_failure_at -> Timestamptz,
    }
}

diesel::table! {
    audit_events (at, id) {
        id -> BigInt,
        at -> Timestamptz,
        action -> Text,
        outcome -> Text,
        reason -> Nullable<Text>,
        actor_id -> Nullable<BigInt>,
        subject_id -> Nullable<BigInt>,
        session_id -> Nullable<Uuid>,
        client_address -> Inet,
        user_agent -> Nullable<Text>,
        request_id -> Nullable<Text>,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(sessions, users);
