//! The limiter in paused time: nothing here really waits.

use std::sync::Arc;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn quotas(requests: u32, creates: u32, activities: u32) -> Quotas {
    Quotas { requests_per_minute: requests, creates_per_minute: creates, activities_per_minute: activities }
}

/// Sends `count` requests one after the other; when each was let through, since the start.
async fn times(limiter: &Limiter, method: Method, count: usize) -> Vec<Duration> {
    let start = Instant::now();
    let mut times = Vec::new();
    for _ in 0..count {
        limiter.acquire(method).await.answered();
        times.push(start.elapsed());
    }
    times
}

/// The most requests in any minute.
fn busiest_minute(times: &[Duration]) -> usize {
    let within = |first: Duration| times.iter().filter(|t| **t >= first && **t < first + 60 * SECOND).count();
    times.iter().map(|first| within(*first)).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn no_minute_sees_more_than_the_quota() {
    for quota in [1, 2, 7, 60, 100] {
        let limiter = Limiter::new(quotas(quota, 1000, 1000));
        let times = times(&limiter, Method::GetSession, 4 * quota as usize).await;
        let busiest = busiest_minute(&times);
        assert!(busiest <= quota as usize, "{busiest} requests in a minute with a quota of {quota}");
        assert!(busiest + 1 >= quota as usize * 8 / 10, "{busiest} of {quota} used");
    }
}

#[tokio::test(start_paused = true)]
async fn creates_and_activities_have_quotas_of_their_own() {
    let limiter = Limiter::new(quotas(1000, 20, 50));
    assert!(busiest_minute(&times(&limiter, Method::CreateSession, 60).await) <= 20);
    assert!(busiest_minute(&times(&limiter, Method::ListActivities, 150).await) <= 50);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_polls_does_not_starve_a_create_nor_the_other_way_round() {
    for (flood, single) in
        [(Method::GetSession, Method::CreateSession), (Method::CreateSession, Method::GetSession)]
    {
        let limiter = Arc::new(Limiter::new(quotas(60, 60, 60)));
        for _ in 0..600 {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move { limiter.acquire(flood).await.answered() });
        }
        tokio::time::sleep(5 * SECOND).await;
        let asked = Instant::now();
        limiter.acquire(single).await.answered();
        let waited = asked.elapsed();
        assert!(waited <= 4 * SECOND, "{single} waited {waited:?} behind {flood}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_429_holds_everybody() {
    let limiter = Limiter::new(Quotas::UNLIMITED);
    let start = Instant::now();
    limiter.acquire(Method::CreateSession).await.throttled(Some(30 * SECOND));
    assert_eq!(limiter.held_for(), 30 * SECOND);
    let permit = limiter.acquire(Method::GetSession).await;
    assert_eq!(permit.waited, 30 * SECOND);
    permit.answered();
    assert_eq!(start.elapsed(), 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_moves_while_one_sleeps_is_seen() {
    let limiter = Arc::new(Limiter::new(Quotas::UNLIMITED));
    let (first, second) =
        (limiter.acquire(Method::GetSession).await, limiter.acquire(Method::GetSession).await);
    first.throttled(Some(10 * SECOND));
    let start = Instant::now();
    let waiter = Arc::clone(&limiter);
    let waiter = tokio::spawn(async move { waiter.acquire(Method::GetSession).await.answered() });
    tokio::time::sleep(5 * SECOND).await;
    second.throttled(Some(30 * SECOND));
    waiter.await.unwrap();
    assert_eq!(start.elapsed(), 35 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_dropped_gives_its_place_up() {
    let limiter = Limiter::new(quotas(1, 1, 1));
    limiter.acquire(Method::GetSession).await.answered();
    let dropped = tokio::time::timeout(SECOND, limiter.acquire(Method::GetSession)).await;
    assert!(dropped.is_err());
    let start = Instant::now();
    limiter.acquire(Method::GetSession).await.answered();
    assert!(start.elapsed() <= 60 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_lane_keep_their_order() {
    let limiter = Arc::new(Limiter::new(quotas(120, 120, 120)));
    let order = Arc::new(StdMutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
        tasks.spawn(async move {
            limiter.acquire(Method::GetSession).await.answered();
            order.lock().unwrap().push(number);
        });
    }
    while tasks.join_next().await.is_some() {}
    assert!(order.lock().unwrap().is_sorted());
}
