//! Users, passwords and TLS.

use std::time::Duration;

use menjin_contract::cache::slot;
use menjin_contract::{at, network};
use menjin_domain::cache::Cache as _;
use menjin_domain::health::HealthProbe as _;
use menjin_infra_redis::RedisClient;
use menjin_tests::servers::redis::RedisServer;

use crate::{MINUTE, cache, config, limiter, unavailable};

#[tokio::test(flavor = "multi_thread")]
async fn users_log_in_and_wrong_passwords_stay_secret() {
    let server = RedisServer::start(&["--requirepass", "for-the-default-user"]);
    let address = server.address();
    let admin = config(&format!("redis://:for-the-default-user@{address}"));
    cache(&admin).check().await.unwrap();
    // What menjin needs, and no more than that.
    let rights = "~menjin:* &menjin:* +get +set +del +pttl +rpop +evalsha +eval +lindex +lpop +llen \
                  +rpush +pexpire +publish +subscribe +ping +unwatch";
    let client = deadpool_redis::redis::Client::open(admin_url(&address)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut set_user = deadpool_redis::redis::cmd("ACL");
    set_user.arg("SETUSER").arg("menjin").arg("on").arg(">p@ss:w/rd");
    for right in rights.split_whitespace() {
        set_user.arg(right);
    }
    let _: () = set_user.query_async(&mut connection).await.unwrap();

    let mut user = config(&format!("redis://menjin:p%40ss%3Aw%2Frd@{address}"));
    user.namespace = "menjin".to_owned();
    cache(&user).check().await.unwrap();
    cache(&user).set(&slot("a"), b"one".to_vec(), MINUTE).await.unwrap();
    assert!(cache(&user).delete(&slot("a")).await.unwrap());
    let limit = menjin_domain::lockout::Limit { max: 1, window: Duration::from_secs(1) };
    let key = menjin_domain::lockout::RateKey::FailedLogin(network(1));
    limiter(&user).reserve(key, limit, at(0)).await.unwrap();
    limiter(&user).release(key).await.unwrap();

    user.namespace = "elsewhere".to_owned();
    unavailable(cache(&user).get(&slot("a")).await);
    for url in ["menjin:canary@", "nobody:canary@", ":canary@", ""] {
        let wrong = config(&format!("redis://{url}{address}"));
        let causes = unavailable(cache(&wrong).check().await);
        assert!(!causes.contains("canary"), "{causes}");
        let shown = format!("{wrong:?} {:?}", RedisClient::new(&wrong).unwrap());
        assert!(!shown.contains("canary"), "{shown}");
    }
}

fn admin_url(address: &str) -> String {
    format!("redis://:for-the-default-user@{address}")
}

/// A server that speaks no TLS is not spoken to without it.
#[tokio::test(flavor = "multi_thread")]
async fn tls_is_not_given_up() {
    let server = RedisServer::start(&[]);
    unavailable(cache(&config(&format!("rediss://{}", server.address()))).check().await);
}
