//! What happened, on record: each event once (S3), without secrets (S1), whatever clients send (S2).

mod contents;
mod events;
mod queries;

use menjin_tests::client::Client;
use serde_json::{Value, json};

fn tokens(client: &Client) -> Value {
    json!({ "access_token": client.access_token, "refresh_token": client.refresh_token })
}
