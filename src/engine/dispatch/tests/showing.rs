//! Readings of activities that are only shown: how many there are.

use super::*;

const EVERY: Duration = Duration::from_secs(180);

/// So many sessions that say nothing for twenty minutes, with so many listings of activities a minute.
fn silent(sessions: usize, per_minute: u32, show: bool) -> World {
    let mut plan = plan(sessions, sessions);
    plan.settings.limits.activities_per_minute = per_minute;
    let mut world = World::new(plan, Manners { hangs: 1.0, ..Manners::default() }, 1);
    world.options.show_activities = show;
    world.run_to_end(None);
    world
}

#[test]
fn each_session_is_read_every_three_minutes_and_all_of_them_with_a_quarter_of_the_quota() {
    for (sessions, per_minute) in [(1, 100), (3, 100), (60, 100), (200, 100), (20, 8), (5, 1), (3, 100_000)] {
        let world = silent(sessions, per_minute, true);
        let mut last = BTreeMap::new();
        for (at, session) in &world.shown {
            if let Some(before) = last.insert(session, *at) {
                assert!(*at - before >= EVERY, "{sessions} sessions: {:?}", *at - before);
            }
        }
        let quarter = Duration::from_secs(4 * 60) / per_minute;
        let gaps = world.shown.windows(2).map(|two| two[1].0 - two[0].0);
        assert!(gaps.clone().all(|gap| gap >= quarter), "{sessions} sessions: {:?}", gaps.min());
        let minutes = 19.0_f64;
        // Answers take their time.
        let share = minutes * f64::from(per_minute) / 4.0 / 4.0;
        let wanted = (sessions as f64 * (minutes / 3.0 - 1.0)).min(share).floor() as usize;
        assert!(world.shown.len() >= wanted.max(1), "{sessions} sessions: {}", world.shown.len());
    }
}

#[test]
fn nothing_is_read_where_nobody_looks_on() {
    assert_eq!(silent(5, 100, false).shown, []);
}

#[test]
fn sessions_are_read_one_after_the_other_although_all_began_together() {
    let world = silent(4, 8, true);
    let first: Vec<_> = world.shown.iter().take(8).map(|(_, session)| session).collect();
    let distinct: std::collections::BTreeSet<_> = first[..4].iter().collect();
    assert_eq!((distinct.len(), &first[..4]), (4, &first[4..]));
}
