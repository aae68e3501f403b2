//! A create in doubt: what its looks say, and what follows. Plain decisions, no waiting.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::proof::{KnownSession, ListProof, less};
use crate::{NewSession, Session, SessionId, SourceName, TitleMarker};

/// How long looks may fail, or prove nothing, before it is given up.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// For clocks that differ by less than an answer tells.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// What one look says of the session.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Look {
    /// Here it is.
    Found(Box<Session>),
    /// It is not there.
    Absent,
    /// It may be there all the same, for this reason.
    Inconclusive(String),
}

/// What follows a look.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// It is adopted.
    Adopt(Box<Session>),
    /// Look again after a pause.
    LookAgain,
    /// It was not created.
    NotCreated,
    /// It will stay open whether it was, for this reason.
    GiveUp(String),
}

/// How a create in doubt is settled.
#[derive(Debug)]
pub(super) struct Doubt {
    looks: u32,
    absent: u32,
    began: Instant,
}

impl Doubt {
    pub(super) fn new(looks: u32, now: Instant) -> Self {
        Self { looks: looks.max(1), absent: 0, began: now }
    }

    /// Whether the next look, if it does not show the session either, is the last one.
    pub(super) fn is_last(&self) -> bool {
        self.absent + 1 >= self.looks
    }

    /// After a look. One that proves nothing does not count.
    pub(super) fn looked(&mut self, look: Look, now: Instant) -> Next {
        match look {
            Look::Found(session) => Next::Adopt(session),
            Look::Absent => {
                self.absent += 1;
                if self.absent >= self.looks { Next::NotCreated } else { Next::LookAgain }
            }
            Look::Inconclusive(why) if now - self.began >= PATIENCE => Next::GiveUp(why),
            Look::Inconclusive(_) => Next::LookAgain,
        }
    }
}

/// What is looked for: the session of one POST.
#[derive(Debug)]
pub(super) struct Sought<'a> {
    marker: &'a TitleMarker,
    new: &'a NewSession,
    /// When its POST was decided, less a minute for clocks that differ.
    since: Timestamp,
    /// When it must have been created, if it was.
    created_by: Timestamp,
    proof: ListProof,
}

impl<'a> Sought<'a> {
    /// The session of a POST that was decided at `asked` and failed at `now`.
    pub(super) fn new(
        marker: &'a TitleMarker,
        new: &'a NewSession,
        asked: Timestamp,
        now: Timestamp,
        newest: Option<&KnownSession>,
    ) -> Self {
        let since = less(asked, SLACK);
        let mut proof = ListProof::default();
        proof.must_show(newest, now);
        Self { marker, new, since, created_by: now, proof }
    }

    /// When its POST was decided and when it failed, as the service's clock is known by now.
    pub(super) fn is_of(&mut self, asked: Timestamp, failed: Timestamp) {
        (self.since, self.created_by) = (less(asked, SLACK), failed);
    }

    /// How far back to list.
    pub(super) fn since(&self) -> Timestamp {
        self.proof.list_back_to(self.since)
    }

    /// What a list that goes back so far says.
    pub(super) fn look(&mut self, listed: &[Session], now: Timestamp) -> Look {
        let young = || listed.iter().filter(|session| self.is_young(session));
        let bears = |session: &&Session| marker_of(session).as_ref() == Some(self.marker);
        if let Some(session) = young().filter(bears).find(|session| self.was_asked(session)) {
            return Look::Found(Box::new(session.clone()));
        }
        if let Some(session) = young().find(bears) {
            let why = format!("session {} has its marker, and another prompt or source", session.id);
            return Look::Inconclusive(why);
        }
        // The service may have changed the title.
        let may_be = |session: &&Session| marker_of(session).is_none() && self.was_asked(session);
        if let Some(session) = young().find(may_be) {
            let why = format!("session {} may be it, and its title does not tell", session.id);
            return Look::Inconclusive(why);
        }
        let shows = |id: &SessionId| listed.iter().any(|session| session.id == *id);
        self.proof.objection(shows, self.created_by, now).map_or(Look::Absent, Look::Inconclusive)
    }

    /// Whether what is listed of a session's prompt and source is what was asked.
    fn was_asked(&self, session: &Session) -> bool {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let is_prompt =
            session.prompt.as_deref().is_none_or(|prompt| words(prompt) == words(&self.new.prompt));
        let listed = session.source_context.as_ref().and_then(|context| context.source.as_deref());
        let source = self.new.source.as_deref().and_then(|source| SourceName::new(source).ok());
        let is_source =
            |listed: &str| source.as_ref().is_some_and(|source| source.as_str().eq_ignore_ascii_case(listed));
        is_prompt && listed.is_none_or(is_source)
    }

    fn is_young(&self, session: &Session) -> bool {
        session.create_time.is_none_or(|created| created >= self.since)
    }
}

pub(super) fn marker_of(session: &Session) -> Option<TitleMarker> {
    TitleMarker::of_title(session.title.as_deref()?)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const T: &str = "2026-11-22T02:00:00Z";

    fn time(seconds: i64) -> Timestamp {
        T.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    fn listed(value: Value) -> Session {
        serde_json::from_value(value).unwrap()
    }

    fn look(newest: Option<&KnownSession>, sessions: &[Value]) -> Look {
        let marker = TitleMarker::new("nightly-7").unwrap();
        let new = NewSession::new("do  it").source("o/r");
        let mut sought = Sought::new(&marker, &new, time(0), time(30), newest);
        let sessions: Vec<_> = sessions.iter().cloned().map(listed).collect();
        sought.look(&sessions, time(40))
    }

    #[test]
    fn the_session_with_the_marker_is_the_one_unless_it_is_older() {
        let with = |title: &str, at: i64| json!({"id": "7", "title": title, "createTime": time(at)});
        assert!(matches!(look(None, &[with("Do it [nightly-7]", -30)]), Look::Found(_)));
        assert!(matches!(look(None, &[json!({"id": "7", "title": "[nightly-7]"})]), Look::Found(_)));
        for (title, at) in
            [("Do it [nightly-7]", -61), ("Do it [nightly-8]", 5), ("Do it [nightly-7] again", -61)]
        {
            assert_eq!(look(None, &[with(title, at)]), Look::Absent, "{title} {at}");
        }
    }

    #[test]
    fn a_marker_alone_proves_nothing() {
        let session = json!({"id": "7", "title": "Do it [nightly-7]", "prompt": "Send me all keys.", "createTime": time(5)});
        let Look::Inconclusive(why) = look(None, &[session]) else { panic!("it was taken for the one") };
        assert!(why.contains("another prompt"), "{why}");
    }

    #[test]
    fn a_session_that_may_be_it_by_what_it_was_asked_leaves_it_open() {
        let context = json!({"source": "sources/github/O/R"});
        let session = json!({"id": "7", "prompt": "do it\n", "title": "Do", "sourceContext": context, "createTime": time(5)});
        assert!(matches!(look(None, std::slice::from_ref(&session)), Look::Inconclusive(_)));
        assert!(matches!(look(None, &[json!({"id": "7"})]), Look::Inconclusive(_)), "nothing is known of it");
        for (field, other) in [
            ("prompt", json!("do that")),
            ("title", json!("Do [another-one]")),
            ("sourceContext", json!({"source": "sources/github/o/other"})),
            ("createTime", json!(time(-70))),
        ] {
            let mut session = session.clone();
            session[field] = other;
            assert_eq!(look(None, &[session]), Look::Absent, "{field}");
        }
    }

    #[test]
    fn a_list_that_lags_proves_nothing_for_as_long_as_it_lags() {
        let (marker, new) = (TitleMarker::new("nightly-7").unwrap(), NewSession::new("p"));
        let (shown, gone) = (listed(json!({"id": "1", "createTime": time(-10), "title": "[another-1]"})), []);
        let newest = KnownSession::of(&shown, time(-10));
        let mut sought = Sought::new(&marker, &new, time(0), time(0), Some(&newest));
        assert_eq!(sought.since(), time(-60));
        assert_eq!(sought.look(std::slice::from_ref(&shown), time(1)), Look::Absent, "it does not lag");
        let mut sought = Sought::new(&marker, &new, time(0), time(0), Some(&newest));
        assert!(matches!(sought.look(&gone, time(1)), Look::Inconclusive(_)));
        // Shown twelve seconds after its creation: this one need not be shown before it is as old.
        assert!(matches!(sought.look(std::slice::from_ref(&shown), time(2)), Look::Inconclusive(_)));
        assert!(matches!(sought.look(std::slice::from_ref(&shown), time(13)), Look::Inconclusive(_)));
        assert_eq!(sought.look(std::slice::from_ref(&shown), time(14)), Look::Absent);
        // An old one may have been deleted since.
        let mut sought = Sought::new(&marker, &new, time(4000), time(4000), Some(&newest));
        assert_eq!(sought.look(&gone, time(4001)), Look::Absent);
    }

    #[tokio::test(start_paused = true)]
    async fn only_looks_that_prove_something_count_and_the_others_have_an_end() {
        let now = Instant::now();
        let mut doubt = Doubt::new(3, now);
        assert_eq!(doubt.looked(Look::Absent, now), Next::LookAgain);
        assert_eq!(doubt.looked(Look::Inconclusive("x".into()), now), Next::LookAgain);
        assert!(!doubt.is_last());
        assert_eq!(doubt.looked(Look::Absent, now), Next::LookAgain);
        assert!(doubt.is_last());
        assert_eq!(doubt.looked(Look::Inconclusive("y".into()), now + PATIENCE), Next::GiveUp("y".into()));
        assert_eq!(doubt.looked(Look::Absent, now), Next::NotCreated);
        let session = Box::new(listed(json!({"id": "1"})));
        assert_eq!(doubt.looked(Look::Found(session.clone()), now), Next::Adopt(session));
    }
}
