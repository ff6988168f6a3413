//! What happened, on record: each event once (S3), without secrets (S1), whatever clients send (S2).

mod contents;
mod events;
mod queries;

use std::time::{Duration, Instant};

use menjin_tests::client::Client;
use serde_json::{Value, json};

/// All events that match, newest first.
async fn events(admin: &Client, query: &str) -> Vec<Value> {
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let answer = admin.get(&format!("/api/v1/audit?limit=100{query}{before}")).await;
        assert_eq!(answer.status, 200, "{answer}");
        all.extend(answer.body["events"].as_array().unwrap().iter().cloned());
        let Some(next) = answer.body["next"].as_str() else { return all };
        before = format!("&before={next}");
    }
}

/// The same once there are this many: failures are recorded a moment after they are answered.
async fn events_once(admin: &Client, query: &str, count: usize) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let events = events(admin, query).await;
        if events.len() >= count {
            assert_eq!(events.len(), count, "{events:#?}");
            return events;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "only {events:#?}");
    }
}

fn tokens(client: &Client) -> Value {
    json!({ "access_token": client.access_token, "refresh_token": client.refresh_token })
}
