//! The limiter in paused time: nothing here really waits.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn quotas(requests: u32, creates: u32, activities: u32) -> Quotas {
    Quotas { requests_per_minute: requests, creates_per_minute: creates, activities_per_minute: activities }
}

fn limiter(quotas: Quotas) -> Arc<Limiter> {
    Arc::new(Limiter::new(quotas))
}

/// Sends `count` requests one after the other; when each was let through, since the start.
async fn times(limiter: &Arc<Limiter>, method: Method, count: usize) -> Vec<Duration> {
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
        let limiter = limiter(quotas(quota, 1000, 1000));
        let times = times(&limiter, Method::GetSession, 4 * quota as usize).await;
        let busiest = busiest_minute(&times);
        assert!(busiest <= quota as usize, "{busiest} requests in a minute with a quota of {quota}");
        assert!(busiest + 1 >= quota as usize * 8 / 10, "{busiest} of {quota} used");
    }
}

#[tokio::test(start_paused = true)]
async fn creates_and_activities_have_quotas_of_their_own() {
    let limiter = limiter(quotas(1000, 20, 50));
    assert!(busiest_minute(&times(&limiter, Method::CreateSession, 60).await) <= 20);
    assert!(busiest_minute(&times(&limiter, Method::ListActivities, 150).await) <= 50);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_polls_does_not_starve_a_create_nor_the_other_way_round() {
    for (flood, single) in
        [(Method::GetSession, Method::CreateSession), (Method::CreateSession, Method::GetSession)]
    {
        let limiter = limiter(quotas(60, 60, 60));
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
async fn a_429_holds_requests_of_its_kind() {
    for refused in Method::ALL {
        let limiter = limiter(Quotas::UNLIMITED);
        limiter.acquire(refused).await.throttled(Some(30 * SECOND));
        assert_eq!(limiter.held_for(refused), 30 * SECOND);
        let waits = Method::ALL.map(|method| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move { (method, limiter.acquire(method).await.waited) })
        });
        for wait in waits {
            let (method, waited) = wait.await.unwrap();
            let wanted = if is_held(method, refused) { 30 * SECOND } else { Duration::ZERO };
            assert_eq!(waited, wanted, "{method} after a 429 on {refused}");
        }
    }
}

/// Whether a 429 on `refused` says anything about `method`: a read's holds all reads, activity listings too.
fn is_held(method: Method, refused: Method) -> bool {
    method.kind() == refused.kind()
        || (method.kind() == RequestKind::Activities && refused.kind() == RequestKind::Reads)
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_turn_is_counted_until_it_comes_or_is_given_up() {
    let limiter = limiter(Quotas::UNLIMITED);
    limiter.acquire(Method::CreateSession).await.throttled(Some(30 * SECOND));
    let create = || {
        let limiter = Arc::clone(&limiter);
        tokio::spawn(async move { limiter.acquire(Method::CreateSession).await.answered() })
    };
    let waits = [create(), create(), create()];
    tokio::time::sleep(SECOND).await;
    assert_eq!((limiter.queued(Method::CreateSession), limiter.queued(Method::GetSession)), (3, 0));
    let [given_up, others @ ..] = waits;
    given_up.abort();
    tokio::time::sleep(SECOND).await;
    assert_eq!(limiter.queued(Method::CreateSession), 2);
    for wait in others {
        wait.await.unwrap();
    }
    assert_eq!(limiter.queued(Method::CreateSession), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_told_until_it_is_over() {
    let limiter = limiter(Quotas::UNLIMITED);
    assert_eq!(limiter.pauses(), []);
    limiter.acquire(Method::CreateSession).await.throttled(Some(30 * SECOND));
    limiter.acquire(Method::ListSessions).await.throttled(Some(10 * SECOND));
    tokio::time::sleep(5 * SECOND).await;
    let pause = |kind, cause, of: u32, remaining: u32| Pause {
        kind,
        cause,
        retry_after: Some(of * SECOND),
        remaining: remaining * SECOND,
    };
    let creates = |remaining| pause(RequestKind::Creates, Method::CreateSession, 30, remaining);
    assert_eq!(limiter.pauses(), [creates(25), pause(RequestKind::Reads, Method::ListSessions, 10, 5)]);
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(limiter.pauses(), [creates(20)]);
    tokio::time::sleep(20 * SECOND).await;
    assert_eq!(limiter.pauses(), []);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_moves_while_one_sleeps_is_seen() {
    let limiter = limiter(Quotas::UNLIMITED);
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
    let limiter = limiter(quotas(1, 1, 1));
    limiter.acquire(Method::GetSession).await.answered();
    let dropped = tokio::time::timeout(SECOND, limiter.acquire(Method::GetSession)).await;
    assert!(dropped.is_err());
    let start = Instant::now();
    limiter.acquire(Method::GetSession).await.answered();
    assert!(start.elapsed() <= 60 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_nobody_polls_holds_nobody_up() {
    let limiter = limiter(quotas(60, 60, 1));
    limiter.acquire(Method::ListActivities).await.answered();
    // Polled once, then left alone: as a stream is while another arm of a `select!` works.
    let mut left_alone = Box::pin(limiter.acquire(Method::ListActivities));
    assert!(futures::poll!(&mut left_alone).is_pending());
    for method in [Method::ListActivities, Method::ApprovePlan] {
        let permit = tokio::time::timeout(600 * SECOND, limiter.acquire(method)).await;
        assert!(permit.is_ok(), "{method} waits for somebody who does not move");
    }
    left_alone.await.answered();
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_lane_keep_their_order() {
    let limiter = limiter(quotas(120, 120, 120));
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

/// Sends requests at random times, some of which are answered 429; when each was let through, by method.
async fn play(arrivals: Vec<(u64, Method, Option<u64>)>, quotas: Quotas) -> Vec<(Method, Duration)> {
    let (limiter, start) = (limiter(quotas), Instant::now());
    let mut tasks = tokio::task::JoinSet::new();
    let mut held_until = Vec::new();
    for (pause, method, refused) in arrivals {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let limiter = Arc::clone(&limiter);
        tasks.spawn(async move {
            let permit = limiter.acquire(method).await;
            let sent = start.elapsed();
            match refused {
                Some(wait) => permit.throttled(Some(Duration::from_secs(wait))),
                None => permit.answered(),
            }
            (method, sent, refused)
        });
    }
    let mut sent = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (method, time, refused) = done.unwrap();
        sent.push((method, time));
        held_until.extend(refused.map(|wait| (method, time, time + Duration::from_secs(wait))));
    }
    for (by, refused, until) in held_until {
        let early =
            |(method, time): &&(Method, Duration)| is_held(*method, by) && *time > refused && *time < until;
        assert_eq!(sent.iter().find(early), None, "sent within {by}'s hold from {refused:?} to {until:?}");
    }
    sent
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_arrives_quotas_and_holds_are_kept(
        arrivals in prop::collection::vec(
            (
                0_u64..3_000,
                prop::sample::select(&[
                    Method::CreateSession, Method::ListActivities, Method::GetSession, Method::SendMessage,
                ][..]),
                prop_oneof![9 => Just(None), 1 => (1_u64..40).prop_map(Some)],
            ),
            1..150,
        ),
        (all, creates, activities) in (1_u32..60, 2_u32..30, 2_u32..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let sent = runtime.block_on(play(arrivals, quotas(all, creates, activities)));
        let busiest = |is: fn(Method) -> bool| {
            let times: Vec<_> = sent.iter().filter(|(method, _)| is(*method)).map(|(_, time)| *time).collect();
            busiest_minute(&times)
        };
        prop_assert!(busiest(|_| true) <= all as usize);
        prop_assert!(busiest(|method| method == Method::CreateSession) <= creates as usize);
        prop_assert!(busiest(|method| method == Method::ListActivities) <= activities as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_hold_has_dammed_up_leaves_at_the_learnt_pace_and_in_order() {
    let limiter = Arc::new(Limiter::new(Quotas::UNLIMITED));
    for _ in 0..30 {
        limiter.acquire(Method::GetSession).await.answered();
        tokio::time::sleep(SECOND).await;
    }
    limiter.acquire(Method::GetSession).await.throttled(Some(60 * SECOND));
    let held = Instant::now();
    let (order, mut left) = tokio::sync::mpsc::unbounded_channel();
    for n in 0..20 {
        let (limiter, order) = (Arc::clone(&limiter), order.clone());
        tokio::spawn(async move {
            limiter.acquire(Method::GetSession).await.answered();
            order.send((n, held.elapsed())).unwrap();
        });
        tokio::task::yield_now().await;
    }
    // Another read was not refused: only the hold keeps it.
    assert_eq!(limiter.acquire(Method::ListSessions).await.waited, 60 * SECOND);
    let mut before = Duration::ZERO;
    for wanted in 0..20 {
        let (n, at) = left.recv().await.unwrap();
        assert_eq!(n, wanted, "first in, first out");
        if n > 0 {
            assert!(at - before > SECOND, "{n} left {:?} after the one before", at - before);
        }
        before = at;
    }
}

/// Others who share the quotas: what they say to each request, and what they are told and asked.
#[derive(Debug, Default)]
struct Others {
    answers: StdMutex<Vec<Reservation>>,
    asked: StdMutex<Vec<(Quota, RequestKind)>>,
    told: StdMutex<Vec<(RequestKind, Duration)>>,
}

impl SharedQuotas for Others {
    fn reserve(
        &self,
        quota: Quota,
        kind: RequestKind,
    ) -> std::pin::Pin<Box<dyn Future<Output = Reservation> + Send>> {
        self.asked.lock().unwrap().push((quota, kind));
        let answer = self.answers.lock().unwrap().pop().unwrap_or_default();
        Box::pin(async move { answer })
    }

    fn paused(&self, kind: RequestKind, length: Duration) {
        self.told.lock().unwrap().push((kind, length));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_as_long_as_those_say_who_share_its_quotas() {
    let limiter = limiter(quotas(1000, 1000, 1000));
    let others = Arc::new(Others::default());
    limiter.share(Arc::clone(&others) as Arc<dyn SharedQuotas>);
    let wait = |wait, pause| Reservation { wait: wait * SECOND, pause: pause * SECOND };
    // The last one is said first: the turn of its own quota, then a pause, then its turn of all.
    *others.answers.lock().unwrap() = vec![wait(4, 0), wait(9, 30), wait(2, 0)];
    let times = times(&limiter, Method::ListActivities, 1).await;
    assert_eq!(times[0].as_secs(), 2 + 30 + 4);
    let kind = RequestKind::Activities;
    let asked = others.asked.lock().unwrap().clone();
    assert_eq!(asked, [(Quota::Activities, kind), (Quota::Requests, kind), (Quota::Requests, kind)]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_service_asks_for_is_told_to_those_who_share_the_quotas() {
    let limiter = limiter(quotas(1000, 1000, 1000));
    let others = Arc::new(Others::default());
    limiter.share(Arc::clone(&others) as Arc<dyn SharedQuotas>);
    limiter.acquire(Method::GetSession).await.throttled(Some(7 * SECOND));
    limiter.acquire(Method::SendMessage).await.throttled(None);
    assert_eq!(
        *others.told.lock().unwrap(),
        [(RequestKind::Reads, 7 * SECOND)],
        "a length of our own is ours"
    );
}
