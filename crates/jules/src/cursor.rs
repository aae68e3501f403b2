//! A place in a session's activities: from where to go on, and what has been seen there already.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Activity, ActivityId};

/// How far behind the newest activity the service is asked again: several activities can share one timestamp, and some
/// are written late.
const SLACK: Duration = Duration::from_secs(15);

/// A place in a session's activities, to go on from later: [`ActivityStream::cursor`](super::ActivityStream::cursor)
/// gives it, [`ActivityStream::from`](super::ActivityStream::from) takes it.
///
/// As text it is the newest time seen and the ids around it: `2026-11-22T02:00:05Z/a1,a2`. A time alone is understood as
/// well: behind it is what is younger.
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
    /// Notes an activity; `false` when it was noted before.
    pub(super) fn note(&mut self, activity: &Activity) -> bool {
        if self.seen.contains_key(&activity.id) {
            return false;
        }
        self.seen.insert(activity.id.clone(), activity.create_time);
        self.newest = self.newest.max(activity.create_time);
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
        for (at, id) in self.seen.keys().enumerate() {
            write!(f, "{}{id}", if at == 0 { '/' } else { ',' })?;
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
        // The exact times are not needed: all of these are close to the newest.
        let seen = ids.map(|id| Ok((ActivityId::new(id).map_err(|_| InvalidCursor)?, newest)));
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
    use super::*;
    use crate::{ActivityKind, Originator};

    fn activity(id: &str, second: i64) -> Activity {
        let mut activity = Activity::new(ActivityId::new(id).unwrap(), Originator::Agent, ActivityKind::None);
        activity.create_time = Timestamp::from_second(second).ok();
        activity
    }

    #[test]
    fn several_activities_of_one_time_are_each_noted_once() {
        let mut cursor = Cursor::default();
        for id in ["a", "b", "c"] {
            assert!(cursor.note(&activity(id, 100)));
            assert!(!cursor.note(&activity(id, 100)));
        }
    }

    #[test]
    fn only_what_may_come_again_is_remembered() {
        let mut cursor = Cursor::default();
        cursor.note(&activity("old", 100));
        cursor.note(&activity("late", 190));
        cursor.note(&activity("new", 200));
        cursor.forget_old();
        assert_eq!(cursor.to_string(), "1970-01-01T00:03:20Z/late,new");
        assert_eq!(cursor.since(), Timestamp::from_second(185).ok());
        assert!(cursor.note(&activity("later", 186)) && !cursor.note(&activity("late", 190)));
    }

    #[test]
    fn a_cursor_survives_being_written_down() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor, cursor.to_string().parse().unwrap());
        cursor.note(&activity("a", 100));
        cursor.note(&activity("b", 100));
        assert_eq!(cursor, cursor.to_string().parse().unwrap());
        assert!("2026-11-22T02:00:05Z".parse::<Cursor>().is_ok());
        for odd in ["", "soon", "2026-11-22T02:00:05Z/../x", "/a"] {
            assert_eq!(odd.parse::<Cursor>(), Err(InvalidCursor), "{odd}");
        }
    }
}
