//! Which pull requests are meant: the language of task selections, with predicates for how a pull request stands.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::outcome::{Checks, PlannedTask, PullState, PullStatus, Review, Stage};
use crate::plan::{Filter, FilterError, MorePredicates, Subject};

const HELP: &str = "of pull requests: pr(open|merged|closed|unknown), stage(ready|checks-failed|…), \
                    checks(passed|failed|pending|none), review(approved|changes-requested|required|none), age(>7d)";

const PREDICATES: MorePredicates =
    MorePredicates { names: &["pr", "stage", "checks", "review", "age"], help: HELP, check };

const CHECKS: [&str; 4] = ["passed", "failed", "pending", "none"];
const REVIEWS: [&str; 4] = ["approved", "changes-requested", "required", "none"];

/// An expression over pull requests and the tasks that made them.
#[derive(Clone, Debug)]
pub(crate) struct PullFilter(Filter);

/// What is asked whether it is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selectable<'a> {
    pub(crate) task: &'a PlannedTask,
    /// How it stands; none if it was never read.
    pub(crate) status: Option<&'a PullStatus>,
    /// Since when we know of it.
    pub(crate) made_at: Timestamp,
    /// The number of its repository's wave in the run that it stands in, from 1.
    pub(crate) wave: Option<usize>,
}

impl FromStr for PullFilter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Filter::with_more(text, &PREDICATES).map(Self)
    }
}

impl fmt::Display for PullFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PullFilter {
    /// Whether it is meant.
    pub(crate) fn matches(&self, pull: &Selectable<'_>, now: Timestamp) -> bool {
        let PlannedTask { id, job, source, matrix, tags, .. } = pull.task;
        let subject =
            Subject { id, job, source: source.as_ref(), tags, matrix, expect: None, wave: pull.wave };
        self.0.means_subject(&subject, &|name, word| pull.is(name, word, now))
    }
}

impl Selectable<'_> {
    fn is(&self, name: &str, word: &str, now: Timestamp) -> bool {
        let told = self.status;
        match name {
            "pr" => told.map_or(PullState::Unknown, |told| told.state).as_str() == word,
            "stage" => {
                told.map_or(Stage::Unknown, |told| told.stage) == stage(word).unwrap_or(Stage::Unknown)
            }
            "checks" => checks(told.and_then(|told| told.checks.as_ref())) == Some(word),
            "review" => review(told.and_then(|told| told.review.as_ref())) == Some(&*word.replace('_', "-")),
            "age" => Age::read(word).is_some_and(|age| age.fits(now.duration_since(self.made_at))),
            _ => false,
        }
    }
}

/// A word that this version does not know has none of ours.
fn checks(told: Option<&Checks>) -> Option<&'static str> {
    match told {
        None => Some("none"),
        Some(Checks::Success) => Some("passed"),
        Some(Checks::Failure | Checks::Error) => Some("failed"),
        Some(Checks::Pending | Checks::Expected) => Some("pending"),
        Some(Checks::Other(_)) => None,
    }
}

fn review(told: Option<&Review>) -> Option<&'static str> {
    match told {
        None => Some("none"),
        Some(Review::Approved) => Some("approved"),
        Some(Review::ChangesRequested) => Some("changes-requested"),
        Some(Review::ReviewRequired) => Some("required"),
        Some(Review::Other(_)) => None,
    }
}

fn stage(word: &str) -> Option<Stage> {
    Stage::from_name(word)
}

/// `>7d`: for how long we have known of it.
struct Age {
    is_more: bool,
    than: SignedDuration,
}

impl Age {
    fn read(text: &str) -> Option<Self> {
        let (is_more, length) = match text.strip_prefix('>') {
            Some(length) => (true, length),
            None => (false, text.strip_prefix('<')?),
        };
        length_of(length.trim_start_matches('=').trim()).map(|than| Self { is_more, than })
    }

    fn fits(&self, age: SignedDuration) -> bool {
        if self.is_more { age >= self.than } else { age < self.than }
    }
}

/// A length of time as in a manifest, or in days or weeks.
fn length_of(text: &str) -> Option<SignedDuration> {
    let whole = |unit: char, hours: i64| {
        let count: i64 = text.strip_suffix(unit)?.trim().parse().ok().filter(|count| *count >= 0)?;
        Some(SignedDuration::from_hours(count.checked_mul(hours)?))
    };
    let (days, weeks) = (whole('d', 24), whole('w', 24 * 7));
    days.or(weeks).or_else(|| text.parse().ok()).filter(|length| !length.is_negative())
}

/// Whether this may stand in the parentheses of that predicate.
fn check(name: &str, word: &str) -> Result<(), (String, String)> {
    let one_of = |known: &[&str]| {
        if known.contains(&&*word.replace('_', "-")) {
            return Ok(());
        }
        let known = known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        Err((format!("`{name}(…)` takes one of its words"), format!("its words: {known}")))
    };
    match name {
        "pr" => one_of(&PullState::ALL.map(PullState::as_str)),
        "stage" => {
            one_of(&Stage::ALL.map(|stage| stage.as_str().replace('_', "-")).each_ref().map(|it| &**it))
        }
        "checks" => one_of(&CHECKS),
        "review" => one_of(&REVIEWS),
        _ if Age::read(word).is_some() => Ok(()),
        _ => Err((
            "`age(…)` takes `>` or `<` and a length of time".to_owned(),
            "write for example `age(>7d)`, `age(<12h)` or `age(>90m)`".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;

    fn status(stage: Stage) -> PullStatus {
        PullStatus {
            checks: Some(Checks::Failure),
            review: Some(Review::ChangesRequested),
            ..sample::pull_status("https://github.com/my-org/web/pull/1", stage, sample::at(0))
        }
    }

    fn means(text: &str) -> bool {
        let (task, status) = (sample::planned("upgrade/my-org/web@main"), status(Stage::ChecksFailed));
        let pull = Selectable { task: &task, status: Some(&status), made_at: sample::at(0), wave: Some(2) };
        text.parse::<PullFilter>().unwrap().matches(&pull, sample::at(8 * 24 * 3_600))
    }

    #[test]
    fn pull_requests_are_meant_by_how_they_stand_and_by_their_tasks() {
        for yes in [
            "pr(open)",
            "stage(checks-failed)",
            "stage(checks_failed) & job(upgrade)",
            "checks(failed) & source(My-Org/*)",
            "review(changes-requested) - stage(ready)",
            "age(>7d)",
            "age( > 1w ) | none()",
            "age(<9d) & !age(>200h)",
            "my-org/web",
            "wave(2) & !wave(1)",
        ] {
            assert!(means(yes), "{yes}");
        }
        for no in
            ["pr(merged)", "stage(ready)", "checks(passed)", "review(none)", "age(<7d)", "expect(change)"]
        {
            assert!(!means(no), "{no}");
        }
    }

    #[test]
    fn what_was_never_read_or_is_not_known_has_no_word() {
        let task = sample::planned("a");
        let of = |status: Option<&PullStatus>, text: &str| {
            let pull = Selectable { task: &task, status, made_at: sample::at(0), wave: Some(2) };
            text.parse::<PullFilter>().unwrap().matches(&pull, sample::at(0))
        };
        assert!(of(None, "pr(unknown) & stage(unknown)") && !of(None, "pr(open)"));
        let strange = PullStatus { checks: Some(Checks::Other("ODD".into())), ..status(Stage::Blocked) };
        assert!(CHECKS.iter().all(|word| !of(Some(&strange), &format!("checks({word})"))));
    }

    fn error(text: &str) -> String {
        text.parse::<PullFilter>().unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_understood_is_marked() {
        insta::assert_snapshot!(error("job(a) & stage(redy)"), @r"
        `stage(…)` takes one of its words
          job(a) & stage(redy)
                         ^^^^
          help: its words: `merged`, `closed`, `unknown`, `foreign`, `working`, `touched`, `draft`, `conflict`, `changes-requested`, `queued`, `checks-failed`, `checks-pending`, `unchecked`, `review-required`, `behind`, `blocked`, `checking`, `ready`
        ");
        insta::assert_snapshot!(error("age(7)"), @r"
        `age(…)` takes `>` or `<` and a length of time
          age(7)
              ^
          help: write for example `age(>7d)`, `age(<12h)` or `age(>90m)`
        ");
        insta::assert_snapshot!(error("wave(0)"), @r"
        `wave(…)` takes the number of a wave
          wave(0)
               ^
          help: write for example `wave(2)`; the first one is 1
        ");
        insta::assert_snapshot!(error("stag(ready)"), @r"
        unknown predicate `stag`
          stag(ready)
          ^^^^
          help: did you mean `stage(…)`?
        ");
        assert!(error("pr(").contains("of pull requests: pr(open|merged|closed|unknown)"));
        let tasks = "pr(open)".parse::<Filter>().unwrap_err();
        assert_eq!(tasks.message(), "`pr(…)` is about pull requests, and tasks are selected here");
    }

    proptest::proptest! {
        #[test]
        fn expressions_never_panic(text in "(pr|stage|age|wave|checks)?\\(\\PC{0,20}") {
            let _ = text.parse::<PullFilter>();
        }
    }
}
