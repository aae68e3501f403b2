use proptest::prelude::*;

use super::*;
use crate::outcome::sample::{at, event, pull_status, run_of};
use crate::outcome::{Checks, EventKind, RunEvent, RunRecord, TaskRecord};
use crate::plan::TaskId;

const PAGE: &str = "https://github.com/my-org/web/pull/1";

fn status(second: i64, stage: Stage) -> PullStatus {
    PullStatus {
        id: Some("PR_1".to_owned()),
        repository: Some("my-org/web".to_owned()),
        head: Some("c0ffee".to_owned()),
        ..pull_status(PAGE, stage, at(second))
    }
}

fn read(pull: PullStatus) -> EventKind {
    EventKind::PullRequestRead { task: TaskId::new("task-0"), pull: Arc::new(pull) }
}

fn acting(action: PullAction, head: &str) -> EventKind {
    EventKind::PullRequestActing {
        task: TaskId::new("task-0"),
        url: PAGE.to_owned(),
        action,
        head: Some(head.to_owned()),
        by: "ada".to_owned(),
    }
}

fn acted(action: PullAction, result: PullResult) -> EventKind {
    let (task, url, note) = (TaskId::new("task-0"), PAGE.to_owned(), None);
    EventKind::PullRequestActed { task, url, action, result, note }
}

/// A run of one task with a pull request, and what became of that, a minute apart from the second hour on.
fn events(kinds: impl IntoIterator<Item = EventKind>) -> Vec<RunEvent> {
    let mut events = run_of(1);
    for (minute, kind) in (120..).zip(kinds) {
        let seq = events.len() as u64 + 1;
        events.push(RunEvent { seq, ..event(minute * 60, kind) });
    }
    events
}

fn task(kinds: impl IntoIterator<Item = EventKind>) -> TaskRecord {
    RunRecord::from_events(&events(kinds)).unwrap().tasks.swap_remove(&TaskId::new("task-0")).unwrap()
}

#[test]
fn a_task_knows_how_its_pull_request_stands_and_how_it_came_to_that() {
    let stages = [Stage::ChecksPending, Stage::ChecksPending, Stage::Ready, Stage::Merged];
    let task = task(stages.iter().zip(7_000..).map(|(stage, second)| read(status(second, *stage))));
    let pull = task.pull().unwrap();
    assert_eq!((pull.status.stage, pull.status.checked_at), (Stage::Merged, at(7_003)));
    let told: Vec<_> = pull.history.iter().map(|change| (change.stage, change.at)).collect();
    assert_eq!(
        told,
        [(Stage::ChecksPending, at(7_000)), (Stage::Ready, at(7_002)), (Stage::Merged, at(7_003))]
    );
}

#[test]
fn a_renamed_repository_has_the_same_pull_request() {
    let moved = PullStatus { url: "https://github.com/new/web/pull/1".into(), ..status(9, Stage::Ready) };
    let task = task([read(status(5, Stage::Working)), read(moved)]);
    assert_eq!(task.pulls.iter().count(), 1);
    assert_eq!(
        task.pull().unwrap().status.stage,
        Stage::Ready,
        "it is found by the page that the session told"
    );
}

#[test]
fn only_what_changes_something_is_news_but_for_once_an_invocation() {
    let task = task([read(status(100, Stage::Ready))]);
    let again = PullStatus { since: at(150), checked_at: at(200), ..status(100, Stage::Ready) };
    assert!(!task.pulls.is_news(&again, at(90)));
    assert!(task.pulls.is_news(&again, at(150)), "the first reading of this invocation");
    assert!(task.pulls.is_news(&PullStatus { head: None, ..again.clone() }, at(90)));
    assert!(task.pulls.is_news(&PullStatus { checks: Some(Checks::Failure), ..again.clone() }, at(90)));
    assert!(task.pulls.is_news(&PullStatus { touched_by: Some("eve".into()), ..again }, at(90)));
    assert!(PullRecords::default().is_news(&status(1, Stage::Ready), at(0)));
}

#[test]
fn a_message_is_sent_once_for_a_head() {
    use PullAction::{Merge, Message};
    let sent = |kinds: Vec<EventKind>| task(kinds).pulls.has_message_for("c0ffee");
    assert!(!sent(vec![acting(Merge, "c0ffee"), acting(Message, "0123")]));
    assert!(sent(vec![acting(Message, "c0ffee")]), "nobody knows whether it left");
    assert!(sent(vec![acting(Message, "c0ffee"), acted(Message, PullResult::InDoubt)]));
    assert!(!sent(vec![acting(Message, "c0ffee"), acted(Message, PullResult::Refused)]));
}

#[test]
fn what_was_begun_is_in_doubt_until_its_end_is_known() {
    use PullAction::Merge;
    let doubt = |kinds: Vec<EventKind>| task(kinds).pulls.in_doubt(PAGE).map(|write| write.action);
    assert_eq!(doubt(vec![]), None);
    assert_eq!(doubt(vec![acting(Merge, "a")]), Some(Merge));
    assert_eq!(doubt(vec![acting(Merge, "a"), acted(Merge, PullResult::InDoubt)]), Some(Merge));
    assert_eq!(doubt(vec![acting(Merge, "a"), acted(Merge, PullResult::Done)]), None);
}

#[test]
fn an_adopted_pull_request_is_the_tasks_until_it_is_opened_again() {
    let pull = PullRequest {
        url: "https://github.com/my-org/web/pull/9".into(),
        number: Some(9),
        title: None,
        base_ref: None,
        head_ref: None,
    };
    let adopted = EventKind::PullRequestAdopted {
        task: TaskId::new("task-0"),
        pull: Box::new(pull.clone()),
        session: None,
        run: None,
    };
    assert_eq!(task([adopted.clone()]).pull_request(), Some(&pull));
    let opened = EventKind::TaskReopened { task: TaskId::new("task-0") };
    assert_eq!(task([adopted, opened]).pull_request().unwrap().number, Some(1));
}

#[test]
fn what_comes_after_an_invocation_says_nothing_of_how_far_it_got() {
    let surveyed = EventKind::SessionsSurveyed { adopted: 0 };
    let mut record = RunRecord::from_events(&events([surveyed])).unwrap();
    let known = record.complete_until;
    assert!(known.is_some());
    let later = [
        read(status(5, Stage::Ready)),
        acting(PullAction::Merge, "a"),
        acted(PullAction::Merge, PullResult::Done),
        EventKind::GithubUsed { usage: Default::default() },
    ];
    for kind in later {
        record.apply(&event(999_999, kind));
        assert_eq!(record.complete_until, known, "a session may have been created in between");
    }
}

#[test]
fn a_killed_run_does_not_follow_its_session_while_its_pull_request_is_read() {
    let killed = run_of(1).into_iter().take(5).collect::<Vec<_>>();
    let followed = |read_later: bool| {
        let mut record = RunRecord::from_events(&killed).unwrap();
        if read_later {
            record.apply(&event(90_000, read(status(5, Stage::Ready))));
        }
        let kind = EventKind::InvocationStarted { invocation: 2, shard: None, workflow_run: None };
        record.apply(&event(100_000, kind));
        record.tasks[&TaskId::new("task-0")].attempts[0].followed
    };
    assert_eq!(followed(true), followed(false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_history_is_in_order_and_ends_where_it_stands(
        readings in proptest::collection::vec((0i64..9_000, 0usize..Stage::ALL.len()), 1..600),
    ) {
        let task = task(readings.iter().map(|(second, stage)| read(status(*second, Stage::ALL[*stage]))));
        let pull = task.pull().unwrap();
        prop_assert!(pull.history.is_sorted_by_key(|change| change.at));
        prop_assert!(pull.history.len() <= LONGEST_HISTORY);
        let last = pull.history.last().unwrap();
        prop_assert_eq!((last.state, last.stage), (pull.status.state, pull.status.stage));
        prop_assert!(pull.history[1..].windows(2).all(|pair| pair[0].stage != pair[1].stage) || readings.len() > 256);
    }
}
