//! A place in a session's activities: from where to go on, and what has been seen there already.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Activity, ActivityId};

/// How far behind the newest activity the service is asked again: several activities can share one timestamp, and some
/// are listed late.
const SLACK: Duration = Duration::from_secs(15);

/// A place in a session's activities, to go on from later: [`ActivityStream::cursor`](super::ActivityStream::cursor)
/// gives it, [`ActivityStream::from`](super::ActivityStream::from) takes it.
///
/// As text it is the newest time seen and the ids around it: `2026-11-22T02:00:05Z/a1,a2`. A time alone is understood as
/// well: behind it is what is younger. An activity that is dated later than the service's clock was as it was read has its
/// time behind its id (`a3@2026-11-22T03:00:00Z`): the place is no later than that clock, or all activities that come until
/// then were lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    newest: Option<Timestamp>,
    /// Only those that the service may show again.
    seen: BTreeMap<ActivityId, Option<Timestamp>>,
}

/// A text that is not a cursor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor looks like `2026-11-22T02:00:05Z/a1,a2`: a time and activity ids")]
pub struct InvalidCursor;

impl Cursor {
    /// Notes an activity from a reading that began at `as_of` by the service's clock; `false` when it was noted before.
    pub(super) fn note(&mut self, activity: &Activity, as_of: Timestamp) -> bool {
        if self.seen.contains_key(&activity.id) {
            return false;
        }
        self.seen.insert(activity.id.clone(), activity.create_time);
        // Of what is dated later than that, a reading says nothing: more of it may come.
        self.newest = self.newest.max(activity.create_time.map(|time| time.min(as_of)));
        true
    }

    /// Notes all that another one has noted.
    pub(super) fn join(&mut self, other: &Self) {
        self.seen.extend(other.seen.iter().map(|(id, time)| (id.clone(), *time)));
        self.newest = self.newest.max(other.newest);
    }

    /// The service is asked for what came after this time; for everything when there is none.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.newest?.checked_sub(SLACK).ok()
    }

    /// The time, when it is nothing but that.
    pub(super) fn time_alone(&self) -> Option<Timestamp> {
        self.newest.filter(|_| self.seen.is_empty())
    }

    /// How many activities it remembers.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Forgets what the service will not show again.
    pub(super) fn forget_old(&mut self) {
        if let Some(since) = self.since() {
            self.seen.retain(|_, time| time.is_none_or(|time| time > since));
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.newest {
            Some(time) => write!(f, "{time}")?,
            None => f.write_str("-")?,
        }
        for (at, (id, time)) in self.seen.iter().enumerate() {
            write!(f, "{}{id}", if at == 0 { '/' } else { ',' })?;
            match time {
                Some(time) if Some(*time) > self.newest => write!(f, "@{time}")?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (time, ids) = text.trim().split_once('/').unwrap_or((text.trim(), ""));
        let newest = match time {
            "-" => None,
            time => Some(time.parse().map_err(|_| InvalidCursor)?),
        };
        let ids = ids.split(',').filter(|id| !id.is_empty());
        // The exact times are not needed of those that are close to the newest.
        let seen = ids.map(|text| {
            let (id, time) = match text.split_once('@') {
                Some((id, time)) => (id, newest.max(Some(time.parse().map_err(|_| InvalidCursor)?))),
                None => (text, newest),
            };
            Ok((ActivityId::new(id).map_err(|_| InvalidCursor)?, time))
        });
        Ok(Self { newest, seen: seen.collect::<Result<_, _>>()? })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ActivityKind, Originator};

    fn activity(id: &str, second: i64) -> Activity {
        let mut activity = Activity::new(ActivityId::new(id).unwrap(), Originator::Agent, ActivityKind::None);
        activity.create_time = Timestamp::from_second(second).ok();
        activity
    }

    /// Notes it in a reading that is of now.
    fn note(cursor: &mut Cursor, activity: &Activity) -> bool {
        cursor.note(activity, Timestamp::MAX)
    }

    #[test]
    fn several_activities_of_one_time_are_each_noted_once() {
        let mut cursor = Cursor::default();
        for id in ["a", "b", "c"] {
            assert!(note(&mut cursor, &activity(id, 100)));
            assert!(!note(&mut cursor, &activity(id, 100)));
        }
    }

    #[test]
    fn only_what_may_come_again_is_remembered() {
        let mut cursor = Cursor::default();
        note(&mut cursor, &activity("old", 100));
        note(&mut cursor, &activity("late", 190));
        note(&mut cursor, &activity("new", 200));
        cursor.forget_old();
        assert_eq!(cursor.to_string(), "1970-01-01T00:03:20Z/late,new");
        assert_eq!(cursor.since(), Timestamp::from_second(185).ok());
        assert!(note(&mut cursor, &activity("later", 186)) && !note(&mut cursor, &activity("late", 190)));
    }

    #[test]
    fn an_activity_of_the_future_is_remembered_and_does_not_move_the_place_there() {
        let (mut cursor, as_of) = (Cursor::default(), Timestamp::from_second(205).unwrap());
        assert!(
            cursor.note(&activity("honest", 200), as_of) && cursor.note(&activity("future", 9_000), as_of)
        );
        assert_eq!(cursor.since(), Timestamp::from_second(190).ok());
        // Later readings do not forget it, nor does whoever goes on from the text.
        let mut cursor: Cursor = cursor.to_string().parse().unwrap();
        let as_of = Timestamp::from_second(300).unwrap();
        assert!(cursor.note(&activity("next", 299), as_of));
        cursor.forget_old();
        assert_eq!(cursor.to_string(), "1970-01-01T00:04:59Z/future@1970-01-01T02:30:00Z,next");
        assert!(!cursor.note(&activity("future", 9_000), as_of));
        assert_eq!(cursor, cursor.to_string().parse().unwrap());
    }

    #[test]
    fn a_cursor_survives_being_written_down() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor, cursor.to_string().parse().unwrap());
        note(&mut cursor, &activity("a", 100));
        note(&mut cursor, &activity("b", 100));
        assert_eq!(cursor, cursor.to_string().parse().unwrap());
        assert!("2026-11-22T02:00:05Z".parse::<Cursor>().is_ok());
        for odd in ["", "soon", "2026-11-22T02:00:05Z/../x", "2026-11-22T02:00:05Z/a@b", "/a"] {
            assert_eq!(odd.parse::<Cursor>(), Err(InvalidCursor), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_read_the_same_way_when_it_is_written(
            text in "(2026-11-22T0[0-3]:00:0[0-9]Z|-)(/([ab][12](@2026-11-22T0[0-3]:00:0[0-9]Z)?,?){0,5})?",
            odd in "[-/@,a1TZ:.]{0,12}",
            at in 0_usize..40,
        ) {
            let mut damaged = text.clone();
            damaged.insert_str(at.min(text.len()), &odd);
            for text in [text, damaged] {
                let Ok(cursor) = text.parse::<Cursor>() else { continue };
                prop_assert_eq!(cursor.to_string().parse(), Ok(cursor), "{}", text);
            }
        }
    }
}
