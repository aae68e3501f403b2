use super::*;
use crate::outcome::sample::{self, event};
use crate::outcome::{Outage, ServiceStatus, SessionRef, Stray};

fn told(events: &[RunEvent]) -> String {
    let mut view = RunView::default();
    let mark = |said| match said {
        Said::Lasting(text) => format!("! {}\n", anstream::adapter::strip_str(&text)),
        Said::Change(text) => format!("  {}\n", anstream::adapter::strip_str(&text)),
    };
    lines(events, &mut view).into_iter().map(mark).collect()
}

#[test]
fn tasks_that_an_interrupt_keeps_from_starting_have_one_line() {
    let mut events = sample::run_of(9);
    events.truncate(sample::EVENTS_BEFORE_TASKS + 9);
    events.extend([event(1, sample::intent("task-0", 1)), event(2, sample::created("task-0", 1, 7))]);
    events.push(event(3, sample::intent("task-1", 1)));
    let ended = |n: i64, outcome, why| event(9, sample::ended(&format!("task-{n}"), outcome, Some(why)));
    events.push(ended(0, Outcome::Detached, "still live at the interrupt"));
    events.push(ended(1, Outcome::Deferred, "it is not known whether its session was created"));
    events.extend((2..8).map(|n| ended(n, Outcome::Deferred, "not started before the interrupt")));
    events.push(ended(8, Outcome::Deferred, "something else"));
    insta::assert_snapshot!(told(&events), @r"
      [0/9] started           task-0  https://jules.google.com/session/7
    ! [0/9] detached          task-0  8.0s  https://jules.google.com/session/7  still live at the interrupt
    ! [0/9] deferred          task-1  6.0s  it is not known whether its session was created
    ! [0/9] deferred          6 tasks  not started before the interrupt
    ! [0/9] deferred          task-8  something else
    ");
}

#[test]
fn tasks_that_are_opened_again_have_one_line_and_the_count_only_rises() {
    let mut events = sample::run_of(8);
    events.truncate(sample::EVENTS_BEFORE_TASKS + 8 + sample::EVENTS_A_TASK);
    let deferred = |n: i64| event(90, sample::ended(&format!("task-{n}"), Outcome::Deferred, Some("later")));
    events.extend((1..8).map(deferred));
    let mut view = RunView::default();
    events.iter().for_each(|event| view.apply(event));
    let reopened =
        (1..8).map(|n| event(95, EventKind::TaskReopened { task: TaskId::new(format!("task-{n}")) }));
    let mut again: Vec<_> = reopened.collect();
    again.push(event(96, sample::intent("task-1", 1)));
    again.push(event(97, sample::created("task-1", 1, 7)));
    again.push(event(98, sample::ended("task-1", Outcome::Succeeded, None)));
    let skipped = |n: i64| {
        let why = format!("needs `task-{}`, which is still open", n - 1);
        event(99, sample::ended(&format!("task-{n}"), Outcome::Deferred, Some(&why)))
    };
    again.extend((2..8).map(skipped));
    let plain = |said| match said {
        Said::Lasting(text) | Said::Change(text) => anstream::adapter::strip_str(&text).to_string(),
    };
    let told: Vec<_> = lines(&again, &mut view).into_iter().map(plain).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    [1/8] open again        7 tasks
    [1/8] started           task-1  https://jules.google.com/session/7
    [2/8] succeeded         task-1  2.0s  https://jules.google.com/session/7
    [2/8] deferred          6 tasks  for 6 reasons, such as: needs `task-6`, which is still open
    ");
}

#[test]
fn a_run_in_lines() {
    insta::assert_snapshot!(told(&sample::run_of(2)), @r"
      [0/2] started           task-0  https://jules.google.com/session/100
      [0/2] in progress       task-0
    ! [1/2] succeeded         task-0  1m 00s  https://github.com/my-org/web/pull/1
      [1/2] started           task-1  https://jules.google.com/session/101
      [1/2] in progress       task-1
    ! [2/2] succeeded         task-1  1m 00s  https://github.com/my-org/web/pull/1
    ");
}

#[test]
fn what_is_run_again_took_the_time_of_this_attempt() {
    let mut events = sample::run_of(1);
    let again = [
        (500, EventKind::TaskReopened { task: TaskId::new("task-0") }),
        (501, sample::intent("task-0", 2)),
        (502, sample::created("task-0", 2, 7)),
        (511, sample::attempt_ended("task-0", 2, Outcome::NoChange, None)),
        (511, sample::ended("task-0", Outcome::NoChange, None)),
    ];
    let before = events.len();
    events.extend(again.map(|(second, kind)| event(second, kind)));
    let line = |text: &str| text.lines().last().unwrap().to_owned();
    insta::assert_snapshot!(line(&told(&events)), @"! [1/1] no change         task-0  10s  https://jules.google.com/session/7");
    let record = crate::outcome::RunRecord::from_events(&events[..before]).unwrap();
    let mut view = RunView::of(&record);
    let said = lines(&events[before..], &mut view).pop().unwrap();
    let Said::Lasting(text) = said else { panic!("{said:?}") };
    assert!(text.contains("  10s  "), "{text}");
}

#[test]
fn what_is_read_of_a_pull_request_says_so() {
    let mut events = sample::run_of(1);
    let url = "https://github.com/my-org/web/pull/1";
    let pull = std::sync::Arc::new(sample::pull_status(url, crate::outcome::Stage::Working, sample::at(70)));
    events.push(event(70, EventKind::PullRequestRead { task: TaskId::new("task-0"), pull }));
    let told = told(&events);
    insta::assert_snapshot!(told.lines().last().unwrap(), @"  [1/1] pull request      task-0  working  https://github.com/my-org/web/pull/1");
}

#[test]
fn troubles_in_lines() {
    let task = || TaskId::new("task-0");
    let mut events = sample::run_of(1);
    events.truncate(3);
    events.extend([
        event(0, sample::intent("task-0", 1)),
        event(1, EventKind::CreateDoubted { task: task(), attempt: 1, cause: "HTTP 503".into() }),
        event(
            2,
            EventKind::CreateRefused {
                task: task(),
                attempt: 1,
                cause: "429 RESOURCE_EXHAUSTED".into(),
                capacity: true,
                withdrawn: false,
            },
        ),
        event(3, sample::intent("task-0", 1)),
        event(
            4,
            EventKind::SessionCreated {
                task: task(),
                attempt: 1,
                session: SessionRef { id: "42".parse().unwrap(), url: None },
                adopted: true,
                created_at: None,
            },
        ),
        event(5, sample::state("task-0", 1, "AWAITING_PLAN_APPROVAL")),
        event(5, EventKind::PlanApproved { task: task(), attempt: 1 }),
        event(6, sample::state("task-0", 1, "AWAITING_USER_FEEDBACK")),
        event(6, EventKind::Replied { task: task(), attempt: 1 }),
        event(7, sample::state("task-0", 1, "SOME_NEW_STATE")),
        event(8, EventKind::Nudged { task: task(), attempt: 1 }),
        event(9, sample::attempt_ended("task-0", 1, Outcome::Stalled, Some("silent for 20m"))),
        event(10, sample::intent("task-0", 2)),
        event(11, sample::created("task-0", 2, 43)),
        event(99, sample::attempt_ended("task-0", 2, Outcome::Failed, Some("no\nway \u{1b}[31mout"))),
        event(99, sample::ended("task-0", Outcome::Failed, Some("no\nway \u{1b}[31mout"))),
        event(
            99,
            EventKind::StrayFound {
                stray: Stray {
                    session: SessionRef { id: "7".parse().unwrap(), url: None },
                    title: "Upgrade [jb-01234567-7c1f-1]".into(),
                    task: None,
                },
            },
        ),
        event(99, EventKind::InvocationEnded { stopped: Some("deadline".into()) }),
    ]);
    insta::assert_snapshot!(told(&events), @r"
    ! [0/1] in doubt          task-0  HTTP 503; looking for its session
      [0/1] no capacity       task-0  429 RESOURCE_EXHAUSTED
      [0/1] adopted           task-0  42
      [0/1] awaiting approval task-0
      [0/1] plan approved     task-0
      [0/1] awaiting answer   task-0
      [0/1] answered          task-0
      [0/1] some new state    task-0
      [0/1] nudged            task-0
      [0/1] attempt 2         task-0  after stalled: silent for 20m
      [0/1] started           task-0  https://jules.google.com/session/43
    ! [1/1] failed            task-0  1m 29s  https://jules.google.com/session/43  no way out
    ! stray session: 7 Upgrade [jb-01234567-7c1f-1]
    ! stopped: deadline
    ");
}

#[test]
fn a_heartbeat_tells_what_holds_the_run_up() {
    let mut view = RunView::default();
    for event in &sample::run_of(3)[..11] {
        view.apply(event);
    }
    let service = ServiceStatus {
        outage: Some(Outage {
            requests: vec!["reads".to_owned()],
            since: sample::at(70),
            last_failure: None,
            error: "no connection to the service".to_owned(),
            next_try: None,
        }),
        ..ServiceStatus::default()
    };
    view.apply(&event(90, EventKind::ApiUsed { usage: Box::default(), service }));
    let text = heartbeat(&view, Pace::UNKNOWN, sample::at(100));
    insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string(), @"[1/3] 1 succeeded, 1 live, 1 waiting; 1m 40s gone, time left unknown; outage for 30s: no connection to the service");
}

#[test]
fn a_heartbeat_counts() {
    let mut view = RunView::default();
    for event in &sample::run_of(3)[..11] {
        view.apply(event);
    }
    let text = heartbeat(&view, Pace::UNKNOWN, sample::at(100));
    insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string(), @"[1/3] 1 succeeded, 1 live, 1 waiting; 1m 40s gone, about 1m 20s left");
}
