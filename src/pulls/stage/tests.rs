use super::*;
use crate::github::{Account, AutoMerge, Repository, UnreadableKind};

mod properties;

const ID: &str = "1234567890123456789";
const URL: &str = "https://github.com/my-org/web/pull/7";

fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(29_000_000 + minute)
}

/// When readings are made.
fn now() -> Timestamp {
    at(60)
}

/// Opened an hour ago, and nothing stands against its merge.
fn pull() -> PullRequest {
    PullRequest {
        id: "PR_7".to_owned(),
        number: 7,
        url: URL.to_owned(),
        title: "Fix typos".to_owned(),
        state: State::Open,
        is_draft: false,
        created_at: at(0),
        updated_at: at(5),
        merged_at: None,
        closed_at: None,
        author: None,
        merged_by: None,
        base: "main".to_owned(),
        branch: format!("fix-typos-{ID}"),
        head: "abc".to_owned(),
        is_cross_repository: false,
        mergeable: Mergeable::Mergeable,
        merge_state: MergeState::Clean,
        review: Fact::None,
        checks: Fact::Some(Checks::Success),
        is_in_merge_queue: false,
        is_merge_queue_enabled: false,
        auto_merge: Fact::None,
        changed_files: 1,
        additions: 1,
        deletions: 1,
        repository: Repository {
            name_with_owner: "my-org/web".to_owned(),
            is_archived: false,
            viewer_permission: None,
            squash_merge_allowed: true,
            merge_commit_allowed: true,
            rebase_merge_allowed: true,
            delete_branch_on_merge: false,
        },
        body: None,
    }
}

fn labelled(labels: Fact<Vec<String>>) -> Option<Details> {
    let (reviews, checks) = (Fact::None, Fact::None);
    Some(Details { head: "abc".to_owned(), labels, reviews, checks, closed_by: Some("bob".to_owned()) })
}

fn with(change: impl FnOnce(&mut PullRequest)) -> PullRequest {
    let mut pull = pull();
    change(&mut pull);
    pull
}

/// What is known beside a reading, owned.
#[derive(Clone, Debug)]
struct Beside {
    url: String,
    source: Option<String>,
    session: Option<SessionId>,
    is_live: bool,
    earlier: Option<PullStatus>,
    pushes: Pushes,
    details: Option<Details>,
    terms: Terms,
}

impl Default for Beside {
    fn default() -> Self {
        Self {
            url: URL.to_owned(),
            source: Some("My-Org/web".to_owned()),
            session: SessionId::new(ID).ok(),
            is_live: false,
            earlier: None,
            pushes: Pushes::Own,
            details: None,
            terms: Terms::default(),
        }
    }
}

impl Beside {
    fn status(&self, reading: &Reading<PullRequest>) -> PullStatus {
        let known = Known {
            url: &self.url,
            source: self.source.as_deref(),
            session: self.session.as_ref(),
            is_session_live: self.is_live,
            earlier: self.earlier.as_ref(),
            pushes: &self.pushes,
            details: self.details.as_ref(),
        };
        status(reading, known, &self.terms, now())
    }

    fn after(earlier: PullStatus) -> Self {
        Self { earlier: Some(earlier), ..Self::default() }
    }
}

fn stage(change: impl FnOnce(&mut PullRequest)) -> Stage {
    stage_beside(&Beside::default(), change)
}

fn stage_beside(beside: &Beside, change: impl FnOnce(&mut PullRequest)) -> Stage {
    beside.status(&Ok(with(change))).stage
}

fn refused(kind: UnreadableKind) -> Reading<PullRequest> {
    Err(Unreadable { kind, said: "Not so.".to_owned() })
}

#[test]
fn merged_and_closed_are_facts_whatever_else_is() {
    let merged = Beside { source: None, is_live: true, ..Beside::default() };
    let status = merged.status(&Ok(with(|pull| {
        pull.state = State::Merged;
        pull.merged_at = Some(at(9));
        pull.merged_by = Some(Account { login: "alice".to_owned(), kind: None });
    })));
    assert_eq!((status.state, status.stage, status.since), (PullState::Merged, Stage::Merged, at(9)));
    assert_eq!(status.closed_by.as_deref(), Some("alice"));
    let closed = with(|pull| pull.state = State::Closed);
    let status = Beside { details: labelled(Fact::None), ..Beside::default() }.status(&Ok(closed.clone()));
    assert_eq!((status.stage, status.closed_by.as_deref()), (Stage::Closed, Some("bob")));
    let again = Beside::after(status).status(&Ok(closed));
    assert_eq!(again.closed_by.as_deref(), Some("bob"), "it is asked for once");
}

#[test]
fn what_cannot_be_read_is_unknown_and_says_why() {
    let status = Beside::default().status(&refused(UnreadableKind::Gone));
    assert_eq!((status.state, status.stage), (PullState::Unknown, Stage::Unknown));
    assert_eq!(status.reason.as_deref(), Some("Not so."));
    let strange = Beside::default().status(&Ok(with(|pull| pull.state = State::Other("HIDDEN".to_owned()))));
    assert_eq!((strange.state, strange.stage), (PullState::Unknown, Stage::Unknown));
    assert!(strange.reason.unwrap().contains("`HIDDEN`"));
}

#[test]
fn a_failed_reading_changes_only_what_it_tells_of() {
    let ready = Beside::default().status(&Ok(pull()));
    for passing in [UnreadableKind::Unanswered, UnreadableKind::Limited(at(90))] {
        assert_eq!(Beside::after(ready.clone()).status(&refused(passing)), ready);
    }
    let gone = Beside::after(ready.clone()).status(&refused(UnreadableKind::Gone));
    assert_eq!((gone.stage, &gone.id, gone.checks), (Stage::Unknown, &ready.id, None));
    let merged = Beside::default().status(&Ok(with(|pull| pull.state = State::Merged)));
    assert_eq!(Beside::after(merged.clone()).status(&refused(UnreadableKind::Gone)), merged);
}

#[test]
fn what_is_not_surely_the_sessions_own_is_foreign() {
    let of = |change: fn(&mut Beside)| {
        let mut beside = Beside::default();
        change(&mut beside);
        stage_beside(&beside, |_| {})
    };
    assert_eq!(of(|_| {}), Stage::Ready);
    assert_eq!(of(|beside| beside.source = Some("my-org/api".to_owned())), Stage::Foreign);
    assert_eq!(of(|beside| beside.source = None), Stage::Foreign);
    assert_eq!(of(|beside| beside.session = None), Stage::Foreign);
    assert_eq!(of(|beside| beside.session = SessionId::new("9999999999999999999").ok()), Stage::Foreign);
    assert_eq!(stage(|pull| pull.is_cross_repository = true), Stage::Foreign);
    assert_eq!(stage(|pull| pull.branch = "fix-typos".to_owned()), Stage::Foreign);
    let elsewhere = |pull: &mut PullRequest| pull.repository.name_with_owner = "my-org/site".to_owned();
    assert_eq!(stage(elsewhere), Stage::Ready, "its repository has another name now");
    let other = Beside { url: "https://github.com/my-org/site/pull/7".to_owned(), ..Beside::default() };
    assert_eq!(stage_beside(&other, elsewhere), Stage::Foreign);
}

#[test]
fn the_body_is_read_once_and_then_believed() {
    let footer = format!(
        "---\n*PR created automatically by Jules for task [{ID}](https://jules.google.com/task/{ID}) started by @x*"
    );
    let without_id = |pull: &mut PullRequest| pull.branch = "fix-typos".to_owned();
    let first = Beside::default().status(&Ok(with(|pull| {
        without_id(pull);
        pull.body = Some(footer.clone());
    })));
    assert_eq!(first.stage, Stage::Ready);
    assert_eq!(stage_beside(&Beside::after(first), without_id), Stage::Ready);
    // Two sessions: not ours, and a later reading without the body does not make it so.
    let two = Beside::default().status(&Ok(with(|pull| {
        pull.body = Some(footer.replace(ID, "9999999999999999999"));
    })));
    assert_eq!(two.stage, Stage::Foreign);
    assert_eq!(stage_beside(&Beside::after(two), |_| {}), Stage::Foreign);
}

#[test]
fn a_live_session_and_a_fresh_head_are_work() {
    let live = Beside { is_live: true, ..Beside::default() };
    assert_eq!(stage_beside(&live, |_| {}), Stage::Working);
    assert_eq!(stage(|pull| pull.updated_at = at(59)), Stage::Working);
    assert_eq!(stage(|pull| pull.updated_at = at(58)), Stage::Ready);
    assert_eq!(stage(|pull| pull.updated_at = at(90)), Stage::Working, "a clock that is ahead");
    // The head is the one of an earlier reading: what has changed is something else.
    let before = PullStatus { checked_at: at(50), ..Beside::default().status(&Ok(pull())) };
    assert_eq!(stage_beside(&Beside::after(before.clone()), |pull| pull.updated_at = at(60)), Stage::Ready);
    let moved = Beside::after(before).status(&Ok(with(|pull| {
        pull.head = "def".to_owned();
        pull.updated_at = at(60);
    })));
    assert_eq!((moved.stage, moved.head_since), (Stage::Working, Some(now())));
}

#[test]
fn what_others_have_pushed_is_left_to_them() {
    let by = |pushes| Beside { pushes, ..Beside::default() };
    let touched = by(Pushes::By("mallory".to_owned())).status(&Ok(pull()));
    assert_eq!((touched.stage, touched.touched_by.as_deref()), (Stage::Touched, Some("mallory")));
    assert_eq!(stage_beside(&Beside::after(touched), |pull| pull.head = "def".to_owned()), Stage::Touched);
    assert_eq!(stage_beside(&by(Pushes::Unread("no".to_owned())), |_| {}), Stage::Touched);
    // Once it got beyond, nobody need be asked again until the head moves.
    let unread = by(Pushes::NotRead).status(&Ok(pull()));
    assert_eq!(
        (unread.stage, unread.touched_by),
        (Stage::Unknown, None),
        "that nobody has asked is no claim"
    );
    let ready = Beside::default().status(&Ok(pull()));
    let again = Beside { pushes: Pushes::NotRead, ..Beside::after(ready) };
    assert_eq!(stage_beside(&again, |_| {}), Stage::Ready);
    assert_eq!(stage_beside(&again, |pull| pull.head = "def".to_owned()), Stage::Unknown);
}

#[test]
fn a_label_holds_it() {
    let with =
        |label: &str| Beside { details: labelled(Fact::Some(vec![label.to_owned()])), ..Beside::default() };
    let unread = Beside { details: labelled(Fact::Unread("no".to_owned())), ..Beside::default() };
    assert_eq!(stage_beside(&unread, |_| {}), Stage::Touched);
    assert_eq!(stage_beside(&with("Hold"), |_| {}), Stage::Touched);
    assert_eq!(stage_beside(&with("household"), |_| {}), Stage::Ready);
    let other = Terms { hold_label: "wait".to_owned(), ..Terms::default() };
    assert_eq!(stage_beside(&Beside { terms: other, ..with("wait") }, |_| {}), Stage::Touched);
}

#[test]
fn drafts_conflicts_and_wishes_wait_for_a_person() {
    assert_eq!(stage(|pull| pull.is_draft = true), Stage::Draft);
    assert_eq!(stage(|pull| pull.mergeable = Mergeable::Conflicting), Stage::Conflict);
    assert_eq!(stage(|pull| pull.merge_state = MergeState::Dirty), Stage::Conflict);
    assert_eq!(stage(|pull| pull.review = Fact::Some(Review::ChangesRequested)), Stage::ChangesRequested);
    let status = Beside::default().status(&Ok(with(|pull| pull.repository.is_archived = true)));
    assert_eq!(status.stage, Stage::Blocked);
    assert_eq!(status.reason.as_deref(), Some("its repository is archived"));
}

#[test]
fn what_github_merges_by_itself_is_queued() {
    assert_eq!(stage(|pull| pull.is_in_merge_queue = true), Stage::Queued);
    assert_eq!(stage(|pull| pull.auto_merge = Fact::Some(AutoMerge { enabled_at: None })), Stage::Queued);
}

#[test]
fn checks_decide_in_time() {
    for (word, expected) in [
        (Checks::Failure, Stage::ChecksFailed),
        (Checks::Error, Stage::ChecksFailed),
        (Checks::Pending, Stage::ChecksPending),
        (Checks::Expected, Stage::ChecksPending),
        (Checks::Success, Stage::Ready),
    ] {
        assert_eq!(stage(|pull| pull.checks = Fact::Some(word)), expected);
    }
    let none_since = |minute| {
        move |pull: &mut PullRequest| {
            pull.checks = Fact::None;
            pull.updated_at = at(minute);
        }
    };
    assert_eq!(stage(none_since(51)), Stage::ChecksPending, "one may yet appear");
    assert_eq!(stage(none_since(50)), Stage::Unchecked);
    let terms = Terms { takes_unchecked: true, ..Terms::default() };
    let taking = Beside { terms, ..Beside::default() };
    assert_eq!(stage_beside(&taking, none_since(51)), Stage::ChecksPending);
    assert_eq!(stage_beside(&taking, none_since(50)), Stage::Ready);
}

#[test]
fn the_rules_of_the_repository_come_last() {
    assert_eq!(stage(|pull| pull.review = Fact::Some(Review::ReviewRequired)), Stage::ReviewRequired);
    assert_eq!(stage(|pull| pull.merge_state = MergeState::Behind), Stage::Behind);
    assert_eq!(stage(|pull| pull.merge_state = MergeState::Blocked), Stage::Blocked);
    assert_eq!(stage(|pull| pull.merge_state = MergeState::Unknown), Stage::Checking);
    assert_eq!(stage(|pull| pull.merge_state = MergeState::Unstable), Stage::Checking);
    assert_eq!(stage(|pull| pull.mergeable = Mergeable::Unknown), Stage::Checking);
    assert_eq!(stage(|pull| pull.merge_state = MergeState::HasHooks), Stage::Ready);
    assert_eq!(stage(|pull| pull.review = Fact::Some(Review::Approved)), Stage::Ready);
}

#[test]
fn what_was_not_told_is_never_none() {
    let why = || Fact::Unread("Resource not accessible".to_owned());
    let told = Beside::default().status(&Ok(with(|pull| pull.checks = why())));
    assert_eq!((told.state, told.stage), (PullState::Open, Stage::Unknown));
    assert_eq!(told.reason.as_deref(), Some("its checks cannot be read: Resource not accessible"));
    assert_eq!(stage(|pull| pull.review = Fact::Unread(String::new())), Stage::Unknown);
    assert_eq!(stage(|pull| pull.auto_merge = Fact::Unread(String::new())), Stage::Unknown);
    let taking = Terms { takes_unchecked: true, ..Terms::default() };
    let taking = Beside { terms: taking, ..Beside::default() };
    assert_eq!(stage_beside(&taking, |pull| pull.checks = why()), Stage::Unknown);
}

#[test]
fn a_stage_lasts_since_it_began() {
    let first = PullStatus { since: at(30), ..Beside::default().status(&Ok(pull())) };
    let again = Beside::after(first.clone()).status(&Ok(pull()));
    assert_eq!((again.since, again.checked_at), (at(30), now()));
    let other = Beside::after(first).status(&Ok(with(|pull| pull.is_draft = true)));
    assert_eq!(other.since, now());
}
