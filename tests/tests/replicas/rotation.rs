//! T11: the signing secret is changed while replicas serve, one replica after the other. The steps
//! are in `docs/src/operations/secrets.md`.

use menjin_tests::client::Client;

use crate::support::{PASSWORD, Replicas, moved};

const OLD: &str = "the-old-secret-of-this-test-0123456789";
const NEW: &str = "the-new-secret-of-this-test-0123456789";

/// What signs, and what is accepted beside it.
type Keys = (&'static str, &'static str);

/// What all replicas have before the change and after each of its steps.
const STEPS: [Keys; 4] = [(OLD, ""), (OLD, NEW), (NEW, OLD), (NEW, "")];

impl Replicas {
    /// Replaces a replica by one with these keys.
    fn replace(&mut self, number: usize, (secret, verify_only): Keys) {
        let keys =
            [("MENJIN__AUTH__SECRET", secret), ("MENJIN__AUTH__VERIFY_ONLY_SECRETS", verify_only)];
        let server = self.another(&keys);
        // The one before is killed when it is dropped here: nothing that it answered is lost.
        self.servers[number] = server;
    }

    /// The same login, on each replica in turn: the access token, then the refresh token.
    async fn wander(&self, mut client: Client) -> Client {
        for number in 0..self.servers.len() {
            client = moved(&client, &self.on(number));
            let answer = client.me().await;
            assert_eq!(answer.status, 200, "replica {number}: {answer}");
            for other in 0..self.servers.len() {
                let answer = moved(&client, &self.on(other)).me().await;
                assert_eq!(answer.status, 200, "of {number} on {other}: {answer}");
            }
            let refreshed = client.refresh().await;
            assert_eq!(refreshed.status, 200, "replica {number}: {refreshed}");
            client = client.with_tokens(&refreshed.body);
        }
        client
    }
}

/// At each moment of each step, whichever replica signed a token, whichever is asked.
#[tokio::test(flavor = "multi_thread")]
async fn t11_a_secret_is_changed_in_three_steps_and_nobody_is_logged_out() {
    let mut replicas = Replicas::start(2).await;
    (0..2).for_each(|number| replicas.replace(number, STEPS[0]));
    assert_eq!(replicas.register("mike").await.status, 201);
    let asleep = replicas.on(0).log_in("mike", PASSWORD).await;
    let mut wandering = replicas.on(0).log_in("mike", PASSWORD).await;
    for step in &STEPS[1..] {
        for number in 0..2 {
            replicas.replace(number, *step);
            wandering = replicas.wander(wandering).await;
            // Logins through the replaced and through the other.
            for signing in 0..2 {
                let client = replicas.on(signing).log_in("mike", PASSWORD).await;
                replicas.wander(client).await;
            }
        }
    }
    // Who never came during the second step holds tokens of a key that is retired.
    for number in 0..2 {
        let asleep = moved(&asleep, &replicas.on(number));
        let answer = asleep.me().await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        assert_eq!(asleep.refresh().await.status, 401);
    }
}

/// Why the first step is there: a replica that signs with what the others do not know.
#[tokio::test(flavor = "multi_thread")]
async fn t11_a_replica_refuses_a_key_that_it_was_not_told_of() {
    let mut replicas = Replicas::start(2).await;
    replicas.replace(0, STEPS[0]);
    replicas.replace(1, STEPS[2]);
    assert_eq!(replicas.register("mike").await.status, 201);
    let mike = replicas.on(1).log_in("mike", PASSWORD).await;
    assert_eq!(mike.me().await.status, 200);
    let elsewhere = moved(&mike, &replicas.on(0));
    assert_eq!(elsewhere.me().await.status, 401);
    assert_eq!(elsewhere.refresh().await.status, 401);
    assert_eq!(mike.me().await.status, 200, "a token that is refused ends no session");
}
