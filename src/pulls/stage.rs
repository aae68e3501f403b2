//! What a pull request waits for: a pure function of one reading and of what is known beside it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jules::{PullRequestName, SessionId};

use super::Pushes;
use super::listed::{as_listed, is_of_unchecked};
use crate::github::{Details, Fact, MergeState, Mergeable, PullRequest, Reading, State, Unreadable};
use crate::outcome::{Checks, PullState, PullStatus, Review, Stage};

/// What is known of a pull request beside its reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    /// Its page, as the session told it.
    pub(crate) url: &'a str,
    /// The repository of the task, `owner/repo`.
    pub(crate) source: Option<&'a str>,
    /// The session that it is believed to be of.
    pub(crate) session: Option<&'a SessionId>,
    /// Whether that is at work.
    pub(crate) is_session_live: bool,
    /// How it stood before.
    pub(crate) earlier: Option<&'a PullStatus>,
    pub(crate) pushes: &'a Pushes,
    /// Its labels and who closed it, where they were read.
    pub(crate) details: Option<&'a Details>,
}

/// What is asked of a pull request.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// How long its head has to stay before anything is said of it.
    pub(crate) settle: Duration,
    /// How long after its head a first check may appear.
    pub(crate) appear: Duration,
    /// The label that keeps us away.
    pub(crate) hold_label: String,
    /// Whether no check is as good as checks that have passed, once none can appear any more.
    pub(crate) takes_unchecked: bool,
}

impl Terms {
    /// For a service whose time passes so many times as fast.
    pub(crate) fn compressed(self, speed: f64) -> Self {
        Self { settle: self.settle.div_f64(speed), appear: self.appear.div_f64(speed), ..self }
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(2 * 60),
            appear: Duration::from_secs(10 * 60),
            hold_label: "hold".to_owned(),
            takes_unchecked: false,
        }
    }
}

/// How a pull request stands after a reading that was made at `now`.
pub(crate) fn status(
    reading: &Reading<PullRequest>,
    known: Known<'_>,
    terms: &Terms,
    now: Timestamp,
) -> PullStatus {
    match reading {
        Ok(pull) => read(pull, known, terms, now),
        Err(unreadable) => unread(unreadable, known, now),
    }
}

/// Whether its branch's pushes have to be read: without them nobody can tell whether it was touched.
pub(crate) fn wants_pushes(pull: &PullRequest, known: Known<'_>, terms: &Terms, now: Timestamp) -> bool {
    let rules = Rules { pull, known, terms, head_since: head_since(pull, known.earlier, now), now };
    let is_ours = rules.by_state().is_none() && rules.not_ours().is_none();
    is_ours && !rules.is_working() && rules.is_push_unread()
}

fn read(pull: &PullRequest, known: Known<'_>, terms: &Terms, now: Timestamp) -> PullStatus {
    let rules = Rules { pull, known, terms, head_since: head_since(pull, known.earlier, now), now };
    let Verdict { stage, reason } = rules.verdict();
    let since = match stage {
        Stage::Merged => pull.merged_at,
        Stage::Closed => pull.closed_at,
        _ => {
            let is_none = matches!(pull.checks, Fact::None) && is_of_unchecked(stage);
            let both = |earlier: &PullStatus| is_none && as_listed(earlier).stage == Stage::Unchecked;
            let is_same = |earlier: &&PullStatus| earlier.stage == stage || both(earlier);
            known.earlier.filter(is_same).map(|earlier| earlier.since)
        }
    };
    PullStatus {
        url: known.url.to_owned(),
        id: Some(pull.id.clone()),
        repository: Some(pull.repository.name_with_owner.clone()),
        state: PullState::from(&pull.state),
        stage,
        since: since.unwrap_or(now),
        reason,
        head: Some(pull.head.clone()),
        head_since: Some(rules.head_since),
        checks: told(&pull.checks),
        review: told(&pull.review),
        merged_at: pull.merged_at,
        closed_at: pull.closed_at,
        closed_by: rules.closed_by(),
        touched_by: rules.touched_by(),
        checked_at: now,
    }
}

/// A merge is for ever, and what says nothing of the pull request itself leaves it as it was. Neither counts as a reading.
fn unread(unreadable: &Unreadable, known: Known<'_>, now: Timestamp) -> PullStatus {
    if let Some(earlier) = known.earlier
        && (unreadable.is_passing() || earlier.state == PullState::Merged)
    {
        return earlier.clone();
    }
    let earlier = known.earlier;
    PullStatus {
        url: known.url.to_owned(),
        id: earlier.and_then(|earlier| earlier.id.clone()),
        repository: earlier.and_then(|earlier| earlier.repository.clone()),
        state: PullState::Unknown,
        stage: Stage::Unknown,
        since: earlier.filter(|earlier| earlier.stage == Stage::Unknown).map_or(now, |earlier| earlier.since),
        reason: Some(unreadable.said.clone()),
        head: earlier.and_then(|earlier| earlier.head.clone()),
        head_since: earlier.and_then(|earlier| earlier.head_since),
        checks: None,
        review: None,
        merged_at: None,
        closed_at: None,
        closed_by: None,
        touched_by: earlier.and_then(|earlier| earlier.touched_by.clone()),
        checked_at: now,
    }
}

/// Since when it has its head: not after that. A push is a change of the pull request, so the last change bounds it.
fn head_since(pull: &PullRequest, earlier: Option<&PullStatus>, now: Timestamp) -> Timestamp {
    let same = earlier.filter(|earlier| earlier.head.as_ref() == Some(&pull.head));
    same.and_then(|earlier| earlier.head_since).unwrap_or_else(|| pull.updated_at.min(now))
}

fn told<T: Clone>(fact: &Fact<T>) -> Option<T> {
    match fact {
        Fact::Some(told) => Some(told.clone()),
        Fact::None | Fact::Unread(_) => None,
    }
}

/// A stage, and what a person has to know of it.
struct Verdict {
    stage: Stage,
    reason: Option<String>,
}

impl From<Stage> for Verdict {
    fn from(stage: Stage) -> Self {
        Self { stage, reason: None }
    }
}

impl Verdict {
    fn because(stage: Stage, reason: impl Into<String>) -> Self {
        Self { stage, reason: Some(reason.into()) }
    }

    /// For what a later version may understand.
    fn strange(word: &str) -> Self {
        let word = foreign_text::clip(word, 40);
        Self::because(Stage::Blocked, format!("GitHub says `{word}`, which this version does not know"))
    }
}

struct Rules<'a> {
    pull: &'a PullRequest,
    known: Known<'a>,
    terms: &'a Terms,
    head_since: Timestamp,
    now: Timestamp,
}

impl Rules<'_> {
    /// The first rule that fits.
    fn verdict(&self) -> Verdict {
        self.by_state()
            .or_else(|| self.not_ours().map(|why| Verdict::because(Stage::Foreign, why)))
            .or_else(|| self.is_working().then(|| Stage::Working.into()))
            .or_else(|| self.touched().map(|why| Verdict::because(Stage::Touched, why)))
            .or_else(|| {
                let unread =
                    || Verdict::because(Stage::Unknown, "who has pushed its head was not read in time");
                self.is_push_unread().then(unread)
            })
            .or_else(|| self.by_work())
            .or_else(|| self.by_checks())
            .unwrap_or_else(|| self.by_rules_of_the_repository())
    }

    fn by_state(&self) -> Option<Verdict> {
        match &self.pull.state {
            State::Merged => Some(Stage::Merged.into()),
            State::Closed => Some(Stage::Closed.into()),
            State::Open => None,
            State::Other(word) => Some(Verdict { stage: Stage::Unknown, ..Verdict::strange(word) }),
        }
    }

    /// Why it is not surely the session's own.
    fn not_ours(&self) -> Option<&'static str> {
        let Known { url, source, session, earlier, .. } = self.known;
        let is_there = |source: &str| {
            self.pull.repository.name_with_owner.eq_ignore_ascii_case(source)
                // It was there, and the repository has another name since.
                || PullRequestName::of_url(url).is_some_and(|address| address.is_in(source))
        };
        if !source.is_some_and(is_there) {
            return Some("it is in another repository than the task's source");
        }
        if self.pull.is_cross_repository {
            return Some("its branch is in a fork");
        }
        let body = self.pull.body.as_deref();
        let named = jules::PullRequest::session_of(body.unwrap_or_default(), &self.pull.branch);
        // The body is read once: after that it stands as it was found then.
        let was_ours =
            earlier.is_some_and(|earlier| !matches!(earlier.stage, Stage::Foreign | Stage::Unknown));
        let is_foreign = earlier.is_some_and(|earlier| earlier.stage == Stage::Foreign);
        let is_named = match (body, named) {
            (Some(_), named) => named.as_ref() == session,
            (None, Some(named)) => Some(&named) == session && !is_foreign,
            (None, None) => was_ours,
        };
        (!is_named || session.is_none()).then_some("neither its body nor its branch names the task's session")
    }

    fn is_working(&self) -> bool {
        self.known.is_session_live || !self.has_head_for(self.terms.settle)
    }

    fn has_head_for(&self, length: Duration) -> bool {
        let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
        self.now.duration_since(self.head_since) >= length
    }

    /// Who else has pushed, as far as that is known. It stays so: what came after is not only Jules' work.
    fn touched_by(&self) -> Option<String> {
        match self.known.pushes {
            Pushes::By(login) => Some(login.clone()),
            Pushes::Own | Pushes::NotRead | Pushes::Unread(_) => self.known.earlier?.touched_by.clone(),
        }
    }

    fn closed_by(&self) -> Option<String> {
        let merged_by = || self.pull.merged_by.as_ref().map(|account| account.login.clone());
        let told = || self.known.details?.closed_by.clone();
        let earlier = || self.known.earlier?.closed_by.clone();
        match self.pull.state {
            State::Merged => merged_by(),
            State::Closed => told().or_else(earlier),
            State::Open | State::Other(_) => None,
        }
    }

    /// Why it is on hold, or may be.
    fn held(&self) -> Option<String> {
        let hold = &self.terms.hold_label;
        match &self.known.details?.labels {
            Fact::Some(labels) if labels.iter().any(|label| label.eq_ignore_ascii_case(hold)) => {
                Some(format!("it has the label `{hold}`"))
            }
            Fact::Some(_) | Fact::None => None,
            Fact::Unread(why) => Some(format!("its labels cannot be read: {why}")),
        }
    }

    /// Why we keep away from it.
    fn touched(&self) -> Option<String> {
        if let Some(login) = self.touched_by() {
            return Some(format!("{login} has pushed to its branch"));
        }
        if let Some(why) = self.held() {
            return Some(why);
        }
        match self.known.pushes {
            Pushes::Unread(why) => Some(format!("who has pushed to its branch cannot be told: {why}")),
            Pushes::NotRead | Pushes::Own | Pushes::By(_) => None,
        }
    }

    /// Whether nobody has asked yet who pushed its head. That says nothing of anybody, and does not let it go on either.
    fn is_push_unread(&self) -> bool {
        // Where it got beyond that rule with the same head, somebody has asked.
        let was_asked = self.known.earlier.is_some_and(|earlier| {
            earlier.head.as_ref() == Some(&self.pull.head) && earlier.stage > Stage::Touched
        });
        *self.known.pushes == Pushes::NotRead && self.touched_by().is_none() && !was_asked
    }

    /// By what people and GitHub do with it.
    fn by_work(&self) -> Option<Verdict> {
        let pull = self.pull;
        if pull.repository.is_archived {
            return Some(Verdict::because(Stage::Blocked, "its repository is archived"));
        }
        if pull.is_draft || pull.merge_state == MergeState::Draft {
            return Some(Stage::Draft.into());
        }
        if pull.mergeable == Mergeable::Conflicting || pull.merge_state == MergeState::Dirty {
            return Some(Stage::Conflict.into());
        }
        match &pull.review {
            Fact::Some(Review::ChangesRequested) => return Some(Stage::ChangesRequested.into()),
            Fact::Unread(why) => {
                return Some(Verdict::because(Stage::Unknown, format!("its reviews cannot be read: {why}")));
            }
            Fact::Some(Review::Approved | Review::ReviewRequired | Review::Other(_)) | Fact::None => {}
        }
        match &pull.auto_merge {
            Fact::Unread(why) => {
                let reason = format!("whether it merges by itself cannot be read: {why}");
                Some(Verdict::because(Stage::Unknown, reason))
            }
            Fact::Some(_) => Some(Stage::Queued.into()),
            Fact::None => pull.is_in_merge_queue.then(|| Stage::Queued.into()),
        }
    }

    fn by_checks(&self) -> Option<Verdict> {
        match &self.pull.checks {
            Fact::Some(Checks::Success) => None,
            Fact::Some(Checks::Failure | Checks::Error) => Some(Stage::ChecksFailed.into()),
            Fact::Some(Checks::Pending | Checks::Expected) => Some(Stage::ChecksPending.into()),
            Fact::Some(Checks::Other(word)) => Some(Verdict::strange(word)),
            Fact::Unread(why) => {
                Some(Verdict::because(Stage::Unknown, format!("its checks cannot be read: {why}")))
            }
            Fact::None if !self.has_head_for(self.terms.appear) => Some(Stage::ChecksPending.into()),
            Fact::None if self.terms.takes_unchecked => None,
            Fact::None => Some(Stage::Unchecked.into()),
        }
    }

    fn by_rules_of_the_repository(&self) -> Verdict {
        match &self.pull.review {
            Fact::Some(Review::ReviewRequired) => return Stage::ReviewRequired.into(),
            Fact::Some(Review::Other(word)) => return Verdict::strange(word),
            Fact::Some(Review::Approved | Review::ChangesRequested) | Fact::None | Fact::Unread(_) => {}
        }
        let can_be_merged = match &self.pull.mergeable {
            Mergeable::Mergeable => true,
            Mergeable::Conflicting | Mergeable::Unknown => false,
            Mergeable::Other(word) => return Verdict::strange(word),
        };
        match &self.pull.merge_state {
            MergeState::Behind => Stage::Behind.into(),
            MergeState::Blocked => Stage::Blocked.into(),
            MergeState::Clean | MergeState::HasHooks if can_be_merged => Stage::Ready.into(),
            // Without a check that failed, UNSTABLE is what was true a moment ago.
            MergeState::Clean
            | MergeState::HasHooks
            | MergeState::Unstable
            | MergeState::Unknown
            | MergeState::Dirty
            | MergeState::Draft => Stage::Checking.into(),
            MergeState::Other(word) => Verdict::strange(word),
        }
    }
}

#[cfg(test)]
mod tests;
