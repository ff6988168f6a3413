//! `/api/v1/auth/*`: success and each refusal.

mod login;
mod password;
mod registration;
mod tokens;
