//! The tables as `migrations/sqlite` makes them.

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
        created_at -> BigInt,
        updated_at -> Nullable<BigInt>,
        last_login_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    user_counts (role) {
        role -> Text,
        total -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Binary,
        user_id -> BigInt,
        generation -> BigInt,
        predecessor -> Nullable<BigInt>,
        rotated_at -> Nullable<BigInt>,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        client_address -> Text,
        user_agent -> Nullable<Text>,
    }
}

diesel::table! {
    login_throttles (subject, network) {
        subject -> Text,
        network -> Text,
        failures -> BigInt,
        last_failure_at -> BigInt,
    }
}

diesel::table! {
    audit_events (id) {
        id -> BigInt,
        at -> BigInt,
        action -> Text,
        outcome -> Text,
        reason -> Nullable<Text>,
        actor_id -> Nullable<BigInt>,
        subject_id -> Nullable<BigInt>,
        session_id -> Nullable<Binary>,
        client_address -> Text,
        user_agent -> Nullable<Text>,
        request_id -> Nullable<Text>,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(sessions, users);
