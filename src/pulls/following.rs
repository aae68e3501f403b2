//! Which pull requests are read when, and what that costs: plain decisions from how they stood, no clock and no socket.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::outcome::{PullState, PullStatus, Stage};

/// Readings of a hundred cost a point.
const A_POINT: usize = 100;
/// What three hundred pull requests may cost in an hour; more may cost more, up to half of what GitHub gives.
const POINTS_AN_HOUR: u64 = 150;
const MOST_POINTS: u64 = 2_500;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// How long nothing is read at the least, while something is ours to do, and while machines work.
const DUE: SignedDuration = SignedDuration::from_secs(30);
const AT_WORK: SignedDuration = SignedDuration::from_secs(60);
/// And while people have to do something.
const PEOPLE: SignedDuration = SignedDuration::from_mins(15);

/// What is read next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadingPlan {
    /// Places of those that are read by number, with their bodies.
    pub(crate) first: Vec<usize>,
    /// Places of those that are read by id.
    pub(crate) by_id: Vec<usize>,
    /// When there is more to read, of those that are not in this plan; none where there are no others.
    pub(crate) next: Option<Timestamp>,
}

impl ReadingPlan {
    /// What it costs.
    #[cfg(test)]
    fn points(&self) -> u64 {
        (self.first.len().div_ceil(A_POINT) + self.by_id.len().div_ceil(A_POINT)) as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.by_id.is_empty()
    }
}

/// What was paid for the last readings, details among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) at: Timestamp,
    pub(crate) points: u64,
}

/// What is to be read now of the pull requests that stood so; none for one that was never read. `pace`: how many times as
/// fast time passes there, which a simulator can do.
pub(crate) fn plan(
    followed: &[Option<&PullStatus>],
    spent: Option<Spent>,
    pace: f64,
    now: Timestamp,
) -> ReadingPlan {
    let times: Vec<Option<Timestamp>> = followed.iter().map(|status| due(*status, pace)).collect();
    let followed_still = times.iter().flatten().count();
    let free = spent.map_or(Timestamp::MIN, |spent| free_again(spent, followed_still, pace));
    let next = |times: &mut dyn Iterator<Item = Timestamp>| times.min().map(|time| time.max(free));
    if now < free {
        return ReadingPlan { next: next(&mut times.iter().flatten().copied()), ..ReadingPlan::default() };
    }
    let (first, mut by_id): (Vec<usize>, Vec<usize>) = places_until(&times, now)
        .into_iter()
        .map(|(_, place)| place)
        .partition(|place| wants_first_contact(followed[*place]));
    // What is left of a chunk that is paid for goes to those that are due soonest.
    let room = by_id.len().next_multiple_of(A_POINT) - by_id.len();
    let later = places_until(&times, Timestamp::MAX).into_iter().filter(|(time, _)| *time > now);
    let known = later.map(|(_, place)| place).filter(|place| !wants_first_contact(followed[*place]));
    by_id.extend(known.take(room));
    by_id.sort_unstable();
    let in_plan = |place: &usize| first.contains(place) || by_id.binary_search(place).is_ok();
    let others = times.iter().enumerate().filter(|(place, _)| !in_plan(place));
    let next = next(&mut others.filter_map(|(_, time)| *time));
    ReadingPlan { first, by_id, next }
}

/// Those that are due by then, soonest first.
fn places_until(times: &[Option<Timestamp>], until: Timestamp) -> Vec<(Timestamp, usize)> {
    let places = times.iter().enumerate().filter_map(|(place, time)| Some(((*time)?, place)));
    let mut places: Vec<_> = places.filter(|(time, _)| *time <= until).collect();
    places.sort_unstable();
    places
}

/// When something may be paid for again, so that no hour costs too much.
fn free_again(spent: Spent, followed: usize, pace: f64) -> Timestamp {
    let an_hour = (followed as u64 / 2).clamp(POINTS_AN_HOUR, MOST_POINTS);
    let per_point = (HOUR / i32::try_from(an_hour).unwrap_or(i32::MAX)).div_f64(pace);
    let points = i32::try_from(spent.points).unwrap_or(i32::MAX);
    spent.at.saturating_add(per_point.saturating_mul(points)).unwrap_or(Timestamp::MAX)
}

/// When one is to be read again; none for what does not change any more.
fn due(status: Option<&PullStatus>, pace: f64) -> Option<Timestamp> {
    let Some(status) = status else { return Some(Timestamp::MIN) };
    Some(status.checked_at.saturating_add(interval(status, pace)?).unwrap_or(Timestamp::MAX))
}

/// How long nothing is read of it: longer, the longer it stands as it does.
fn interval(status: &PullStatus, pace: f64) -> Option<SignedDuration> {
    let at_least = match status.stage {
        Stage::Merged => return None,
        Stage::Ready | Stage::Behind | Stage::Checking => DUE,
        Stage::Working | Stage::Queued | Stage::ChecksPending | Stage::ChecksFailed => AT_WORK,
        // It was read, but not all that decides.
        Stage::Unknown if status.state == PullState::Open => AT_WORK,
        Stage::Unknown
        | Stage::Closed
        | Stage::Foreign
        | Stage::Touched
        | Stage::Draft
        | Stage::Conflict
        | Stage::ChangesRequested
        | Stage::Unchecked
        | Stage::ReviewRequired
        | Stage::Blocked => PEOPLE,
    };
    let stands = status.checked_at.duration_since(status.since);
    Some((stands / 10).clamp(at_least.div_f64(pace), PEOPLE.div_f64(pace)))
}

/// Whether its body has to be read (again) to tell whose it is.
pub(crate) fn wants_first_contact(status: Option<&PullStatus>) -> bool {
    status.is_none_or(|status| status.id.is_none() || matches!(status.stage, Stage::Unknown | Stage::Foreign))
}

/// Whether its details have to be read: it has failed, or is about to be merged, or was closed, and was not so before with
/// this head; or a label may hold it no longer.
pub(crate) fn wants_details(status: &PullStatus, earlier: Option<&PullStatus>) -> bool {
    let is_new = earlier.is_none_or(|earlier| earlier.stage != status.stage || earlier.head != status.head);
    match status.stage {
        Stage::ChecksFailed | Stage::Ready | Stage::Closed => is_new,
        Stage::Touched => status.touched_by.is_none(),
        _ => false,
    }
}

/// As a length that a timer takes.
pub(crate) fn until(next: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(next.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::outcome::{PullState, sample};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_790_000_000 + seconds)
    }

    fn status(stage: Stage, since: i64, checked: i64) -> PullStatus {
        PullStatus {
            id: Some("PR_1".to_owned()),
            state: PullState::Open,
            since: at(since),
            head: Some("abc".to_owned()),
            ..sample::pull_status("https://github.com/o/r/pull/1", stage, at(checked))
        }
    }

    fn planned(statuses: &[PullStatus], spent: Option<Spent>, now: i64) -> ReadingPlan {
        plan(&statuses.iter().map(Some).collect::<Vec<_>>(), spent, 1.0, at(now))
    }

    #[test]
    fn each_is_read_as_often_as_it_may_change() {
        let seconds = |stage, since| interval(&status(stage, since, 0), 1.0).map(|length| length.as_secs());
        assert_eq!(seconds(Stage::Ready, 0), Some(30));
        assert_eq!(seconds(Stage::ChecksPending, 0), Some(60));
        assert_eq!(seconds(Stage::ChecksPending, -1_200), Some(120));
        assert_eq!(seconds(Stage::ChecksPending, -100_000), Some(900), "a check that never ends");
        assert_eq!(seconds(Stage::ReviewRequired, 0), Some(900));
        assert_eq!(seconds(Stage::Merged, 0), None);
    }

    #[test]
    fn new_ones_are_read_by_number_and_a_chunk_is_filled() {
        let mut statuses = vec![status(Stage::Unknown, 0, -1_000), status(Stage::ChecksPending, 0, -70)];
        statuses.extend((0..150).map(|n| status(Stage::ReviewRequired, 0, -n)));
        statuses.push(status(Stage::Merged, 0, -9_000));
        let mut followed: Vec<_> = statuses.iter().map(Some).collect();
        followed.push(None);
        let plan = plan(&followed, None, 1.0, at(0));
        assert_eq!(plan.first, [153, 0]);
        assert_eq!((plan.by_id.len(), plan.points()), (100, 2));
        // Those that were read longest ago are nearest to their time.
        assert_eq!((plan.by_id[0], plan.by_id[1]), (1, 53));
        assert_eq!(plan.next, Some(at(900 - 50)));
    }

    #[test]
    fn nothing_due_is_nothing_to_pay() {
        let statuses = [status(Stage::ChecksPending, 0, 0), status(Stage::Merged, 0, 0)];
        let plan = planned(&statuses, None, 10);
        assert!(plan.is_empty());
        assert_eq!(plan.next, Some(at(60)));
        assert_eq!(planned(&statuses[1..], None, 10), ReadingPlan::default());
        assert_eq!(until(at(60), at(10)), Duration::from_secs(50));
        assert_eq!(until(at(10), at(60)), Duration::ZERO);
    }

    #[test]
    fn what_was_paid_for_is_waited_for() {
        let spent = Some(Spent { at: at(0), points: 3 });
        let statuses = [status(Stage::Ready, 0, 0)];
        assert_eq!(planned(&statuses, spent, 71).next, Some(at(72)));
        assert_eq!(planned(&statuses, spent, 72).by_id, [0]);
    }

    #[test]
    fn more_is_read_of_what_changes_what_is_to_be_done() {
        let touched = status(Stage::Touched, 0, 0);
        assert!(wants_details(&touched, Some(&touched)));
        let by_mallory = PullStatus { touched_by: Some("mallory".to_owned()), ..touched };
        assert!(!wants_details(&by_mallory, None));
        let ready = status(Stage::Ready, 0, 0);
        assert!(wants_details(&ready, None) && !wants_details(&ready, Some(&ready)));
        let other = PullStatus { head: Some("def".to_owned()), ..ready.clone() };
        assert!(wants_details(&other, Some(&ready)));
    }

    /// The points of each hour of a day, and the longest that one was left unread beyond its time.
    fn day(count: usize, stage: impl Fn(usize, i64) -> Stage) -> (Vec<u64>, i64) {
        let mut statuses: Vec<Option<PullStatus>> = vec![None; count];
        let (mut now, mut spent, mut hours, mut late) = (0, None, vec![0; 24], 0);
        while now < 24 * 3_600 {
            let followed: Vec<_> = statuses.iter().map(Option::as_ref).collect();
            let plan = plan(&followed, spent, 1.0, at(now));
            if !plan.is_empty() {
                hours[usize::try_from(now / 3_600).unwrap()] += plan.points();
                spent = Some(Spent { at: at(now), points: plan.points() });
            }
            for place in plan.first.iter().chain(&plan.by_id).copied() {
                let stage = stage(place, now);
                let due = statuses[place].as_ref().and_then(|status| due(Some(status), 1.0));
                late = late.max(due.map_or(0, |due| at(now).duration_since(due).as_secs()));
                let before = statuses[place].take().filter(|status| status.stage == stage);
                let since = before.map_or(at(now), |status| status.since);
                statuses[place] = Some(PullStatus { since, ..status(stage, 0, now) });
            }
            let next = plan.next.filter(|_| plan.is_empty());
            now = next.map_or(now, |next| next.as_second() - at(0).as_second()).max(now + 1);
        }
        (hours, late)
    }

    #[test]
    fn a_day_of_three_hundred_stays_within_a_hundred_and_fifty_points_an_hour() {
        // Work, checks of ten to forty minutes, a review within hours, then ready until somebody merges; all over again.
        let usual = |place: usize, now: i64| {
            let minute = (now / 60 + 7 * place as i64) % (5 * 60);
            match minute {
                0..5 => Stage::Working,
                5..40 if minute < 15 + place as i64 % 30 => Stage::ChecksPending,
                ..240 => Stage::ReviewRequired,
                _ => Stage::Ready,
            }
        };
        let (hours, late) = day(300, usual);
        assert!(hours.iter().all(|points| *points <= 150), "{hours:?}");
        assert!(late <= 72, "{late} s");
        for stuck in [Stage::Ready, Stage::ChecksPending, Stage::ReviewRequired] {
            let (hours, _) = day(300, |_, _| stuck);
            assert!(hours.iter().all(|points| *points <= 150), "{stuck:?}: {hours:?}");
            assert!(hours[23] <= 12, "what never moves is read every quarter of an hour: {hours:?}");
        }
        let restless = |place: usize, now: i64| match (place as i64 + now / 60) % 2 {
            0 => Stage::Ready,
            _ => Stage::ChecksPending,
        };
        let (hours, late) = day(300, restless);
        assert!(hours.iter().all(|points| *points <= 150), "{hours:?}");
        assert!(late <= 72, "{late} s");
    }

    proptest! {
        #[test]
        fn a_plan_is_of_what_is_followed_and_due(
            stages in prop::collection::vec((0..5_usize, -2_000..0_i64), 0..400),
            points in 0..20_u64,
        ) {
            let stage = [Stage::Merged, Stage::Ready, Stage::ChecksPending, Stage::Draft, Stage::Unknown];
            let statuses: Vec<_> =
                stages.iter().map(|(n, checked)| status(stage[*n], -2_000, *checked)).collect();
            let spent = Some(Spent { at: at(-60), points });
            let plan = planned(&statuses, spent, 0);
            let mut places = [plan.first.clone(), plan.by_id.clone()].concat();
            places.sort_unstable();
            prop_assert!(places.windows(2).all(|two| two[0] != two[1]), "none twice");
            prop_assert!(places.iter().all(|place| statuses[*place].stage != Stage::Merged));
            let is_due = |place: &usize| due(Some(&statuses[*place]), 1.0).is_some_and(|due| due <= at(0));
            let due: Vec<_> = (0..statuses.len()).filter(is_due).collect();
            if points <= 2 {
                prop_assert!(due.iter().all(|place| places.contains(place)));
            }
            let needed = due.iter().filter(|place| statuses[**place].stage != Stage::Unknown).count();
            prop_assert!(plan.by_id.len() <= needed.next_multiple_of(100));
            prop_assert!(plan.next.is_none_or(|next| next > at(0)));
        }
    }
}
