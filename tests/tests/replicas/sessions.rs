//! What becomes of tokens that are used on one replica and then on another: straight to each in
//! turn, and behind load balancers.

use std::time::{Duration, Instant};

use crate::support::Replicas;

#[tokio::test(flavor = "multi_thread")]
async fn t13_a_predecessor_replayed_after_its_successor_was_used_ends_the_session() {
    let replicas = Replicas::start(2).await;
    for way in replicas.ways() {
        let first = way.user(way.name).await;
        let second = way.refreshed(&first).await;
        let third = way.refreshed(&second).await;
        assert_eq!(way.next(&third).me().await.status, 200);
        assert_eq!(way.next(&first).refresh().await.status, 401, "{}", way.name);
        way.until_dead(&third).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_a_lost_answer_can_be_asked_for_elsewhere_and_leaves_one_branch() {
    let replicas = Replicas::start(2).await;
    for way in replicas.ways() {
        let first = way.user(way.name).await;
        let lost = way.refreshed(&first).await;
        let second = way.refreshed(&first).await;
        let third = way.refreshed(&second).await;
        assert_eq!(way.next(&third).me().await.status, 200, "{}", way.name);
        assert_eq!(way.next(&lost).refresh().await.status, 401, "replaced, not forked");
        way.until_dead(&third).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_two_generations_old_is_a_replay_within_the_grace_as_well() {
    let replicas = Replicas::start(2).await;
    for way in replicas.ways() {
        let first = way.user(way.name).await;
        let second = way.refreshed(&first).await;
        let third = way.refreshed(&second).await;
        assert_eq!(way.next(&first).refresh().await.status, 401, "{}", way.name);
        way.until_dead(&second).await;
        way.until_dead(&third).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t16_a_replay_is_one_after_all_were_killed_and_started_again() {
    let mut replicas = Replicas::start(2).await;
    let mut families = Vec::new();
    for way in replicas.ways() {
        let first = way.user(way.name).await;
        let second = way.refreshed(&first).await;
        families.push([first, way.refreshed(&second).await]);
    }
    replicas.restart();
    for (way, [first, third]) in replicas.ways().iter().zip(&families) {
        assert_eq!(way.next(third).me().await.status, 200, "{}", way.name);
        assert_eq!(way.next(first).refresh().await.status, 401, "{}", way.name);
        way.until_dead(third).await;
    }
}

/// Refreshing does not make a session last longer: neither of its tokens is taken in a request that
/// is sent after its end.
#[tokio::test(flavor = "multi_thread")]
async fn t17_refreshing_on_all_replicas_does_not_outlast_the_session() {
    const LIFE: Duration = Duration::from_secs(3);
    let settings = [("MENJIN__AUTH__REFRESH_TTL", "3s"), ("MENJIN__AUTH__ACCESS_TTL", "2s")];
    let replicas = Replicas::start_with(2, &settings).await;
    let lives = replicas.ways().into_iter().map(|way| async move {
        let before = Instant::now();
        let mut mike = way.user(way.name).await;
        let after = Instant::now();
        let mut refreshed = 0;
        loop {
            let sent = Instant::now();
            let answer = way.next(&mike).refresh().await;
            if answer.status == 401 {
                // Tokens tell time in whole seconds: what is issued in the last one is over.
                let early = LIFE.saturating_sub(before.elapsed());
                assert!(early <= Duration::from_secs(1), "{}: ended {early:?} early", way.name);
                break;
            }
            assert_eq!(answer.status, 200, "{answer}");
            assert!(sent - after < LIFE, "{}: it lasts too long", way.name);
            mike = mike.with_tokens(&answer.body);
            refreshed += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(refreshed > 3, "{}: {refreshed}", way.name);
        way.until_dead(&mike).await;
    });
    let mut lives: tokio::task::JoinSet<()> = lives.collect();
    while let Some(life) = lives.join_next().await {
        life.unwrap();
    }
}
