use proptest::prelude::*;

use super::*;
use crate::github::{Fact, MergeState, Mergeable, Opinion, OpinionState, Permission, Repository, State};
use crate::outcome::{Checks, sample};

const URL: &str = "https://github.com/my-org/web/pull/7";

fn now() -> Timestamp {
    sample::at(10_000)
}

fn reading() -> PullRequest {
    PullRequest {
        id: "PR_7".to_owned(),
        number: 7,
        url: URL.to_owned(),
        title: "Fix typos".to_owned(),
        state: State::Open,
        is_draft: false,
        created_at: sample::at(0),
        updated_at: sample::at(5),
        merged_at: None,
        closed_at: None,
        author: None,
        merged_by: None,
        base: "main".to_owned(),
        branch: "fix-typos-1234567890123456789".to_owned(),
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
            viewer_permission: Some(Permission::Write),
            squash_merge_allowed: true,
            merge_commit_allowed: true,
            rebase_merge_allowed: false,
            delete_branch_on_merge: false,
        },
        body: None,
    }
}

fn status(stage: Stage) -> PullStatus {
    PullStatus {
        id: Some("PR_7".to_owned()),
        repository: Some("my-org/web".to_owned()),
        since: sample::at(5),
        head: Some("abc".to_owned()),
        head_since: Some(sample::at(5)),
        checks: Some(Checks::Success),
        ..sample::pull_status(URL, stage, now())
    }
}

fn details() -> Details {
    Details {
        head: "abc".to_owned(),
        labels: Fact::Some(vec!["deps".to_owned()]),
        reviews: Fact::Some(vec![Opinion {
            author: Some("alice".to_owned()),
            state: OpinionState::Approved,
            commit: Some("abc".to_owned()),
        }]),
        checks: Fact::Some(Vec::new()),
        closed_by: None,
    }
}

fn terms() -> MergeTerms {
    MergeTerms {
        settle: Duration::from_secs(120),
        hold_label: "hold".to_owned(),
        takes_unchecked: false,
        wants_approval: false,
        method: None,
    }
}

/// All that a merge is decided by, owned: by default it is merged.
#[derive(Clone, Debug)]
struct World {
    status: PullStatus,
    reading: Option<PullRequest>,
    details: Option<Details>,
    asked_at: Timestamp,
    records: PullRecords,
    terms: MergeTerms,
    seen: Option<Seen>,
    queue: bool,
}

impl Default for World {
    fn default() -> Self {
        Self {
            status: status(Stage::Ready),
            reading: Some(reading()),
            details: Some(details()),
            asked_at: now(),
            records: PullRecords::default(),
            terms: terms(),
            seen: Some(Seen { head: "abc".to_owned(), at: sample::at(10_000 - 120), unchecked: false }),
            queue: false,
        }
    }
}

impl World {
    fn case(&self) -> Case<'_> {
        let (reading, details) = (self.reading.as_ref(), self.details.as_ref());
        let (asked_at, records) = (self.asked_at, &self.records);
        Case { status: &self.status, reading, details, asked_at, records, now: now() }
    }

    fn merge(&self) -> Decision {
        merge(&self.case(), &self.terms, self.seen.as_ref(), self.queue)
    }
}

fn merged(change: impl FnOnce(&mut World)) -> Decision {
    let mut world = World::default();
    change(&mut world);
    world.merge()
}

fn left(decision: &Decision) -> &str {
    match decision {
        Decision::Leave(left) => &left.label,
        other => panic!("{other:?}"),
    }
}

fn read(change: impl FnOnce(&mut PullRequest)) -> impl FnOnce(&mut World) {
    move |world| change(world.reading.as_mut().unwrap())
}

#[test]
fn what_is_ready_is_merged_as_the_repository_allows() {
    use MergeMethod::{Merge, Rebase, Squash};
    let by = |method| Decision::Do(Step::Merge(method));
    assert_eq!(merged(|_| {}), by(Squash));
    assert_eq!(merged(|world| world.terms.method = Some(Merge)), by(Merge));
    assert_eq!(left(&merged(|world| world.terms.method = Some(Rebase))), "not allowed");
    assert_eq!(merged(read(|it| it.repository.squash_merge_allowed = false)), by(Merge));
    assert_eq!(merged(read(|it| it.is_merge_queue_enabled = true)), Decision::Do(Step::Enqueue));
    assert_eq!(merged(|world| world.queue = true), Decision::Do(Step::Enqueue));
    assert_eq!(merged(read(|it| it.merge_state = MergeState::HasHooks)), by(Squash));
    assert_eq!(
        merged(read(|it| it.repository.viewer_permission = None)),
        by(Squash),
        "GitHub says so if not"
    );
}

#[test]
fn each_condition_of_a_merge_alone_prevents_it() {
    for stage in Stage::ALL.into_iter().filter(|stage| *stage != Stage::Ready) {
        let decision = merged(|world| world.status = status(stage));
        match stage {
            Stage::Merged | Stage::Queued => assert_eq!(decision, Decision::AlreadySo),
            Stage::Checking => assert_eq!(decision, Decision::Read),
            _ => assert!(matches!(decision, Decision::Leave(_)), "{stage}: {decision:?}"),
        }
    }
    let touched = merged(|world| world.status.touched_by = Some("mallory".to_owned()));
    assert_eq!(left(&touched), "touched");
    assert_eq!(merged(|world| world.status.checked_at = sample::at(9_969)), Decision::Read, "31 seconds old");
    assert_eq!(merged(|world| world.reading = None), Decision::Read);
    assert_eq!(merged(read(|it| it.head = "def".to_owned())), Decision::Read);
    for bad in [
        Fact::None,
        Fact::Some(Checks::Pending),
        Fact::Some(Checks::Other("FINE".into())),
        Fact::Unread("x".into()),
    ] {
        assert!(matches!(merged(read(|it| it.checks = bad.clone())), Decision::Leave(_)), "{bad:?}");
    }
    assert!(matches!(merged(read(|it| it.is_draft = true)), Decision::Leave(_)));
    assert!(matches!(merged(read(|it| it.mergeable = Mergeable::Other("YES".into()))), Decision::Leave(_)));
    assert!(matches!(merged(read(|it| it.merge_state = MergeState::Unstable)), Decision::Leave(_)));
    assert!(matches!(merged(read(|it| it.is_cross_repository = true)), Decision::Leave(_)));
    assert_eq!(
        left(&merged(read(|it| it.repository.viewer_permission = Some(Permission::Read)))),
        "not allowed"
    );
}

#[test]
fn labels_and_approvals_are_those_of_this_head() {
    let details_with =
        |change: fn(&mut Details)| move |world: &mut World| change(world.details.as_mut().unwrap());
    assert_eq!(merged(|world| world.details = None), Decision::Read);
    assert_eq!(merged(details_with(|it| it.head = "def".into())), Decision::Read);
    let held = merged(details_with(|it| it.labels = Fact::Some(vec!["Hold".into()])));
    assert_eq!(left(&held), "touched or on hold");
    assert_eq!(left(&merged(details_with(|it| it.labels = Fact::Unread("x".into())))), "unknown");
    let approved = |change: fn(&mut Details)| {
        merged(|world| {
            world.terms.wants_approval = true;
            change(world.details.as_mut().unwrap());
        })
    };
    assert!(matches!(approved(|_| {}), Decision::Do(_)));
    assert_eq!(left(&approved(|it| it.reviews = Fact::Some(Vec::new()))), "not approved");
    let earlier = |it: &mut Details| {
        it.reviews = Fact::Some(vec![Opinion {
            author: None,
            state: OpinionState::Approved,
            commit: Some("an earlier head".to_owned()),
        }]);
    };
    assert_eq!(left(&approved(earlier)), "not approved");
}

#[test]
fn a_head_is_seen_twice_with_the_settle_time_between() {
    let at = |second| Some(Seen { head: "abc".to_owned(), at: sample::at(second), unchecked: false });
    assert_eq!(merged(|world| world.seen = at(9_881)), Decision::Wait(sample::at(10_001)));
    assert_eq!(merged(|world| world.seen = at(10_000)), Decision::Wait(sample::at(10_120)));
    assert_eq!(merged(|world| world.seen = None), Decision::Read);
    let slow = merged(|world| world.asked_at = sample::at(9_999));
    assert_eq!(slow, Decision::Wait(now()), "from an answer to a request, not to its answer");
    let at_once = |second| {
        merged(|world| {
            world.terms.settle = Duration::ZERO;
            world.seen = at(second);
        })
    };
    assert_eq!(at_once(10_000), Decision::Read, "one reading is not two");
    assert!(matches!(at_once(9_999), Decision::Do(_)));
    assert_eq!(merged(|world| world.seen.as_mut().unwrap().head = "def".into()), Decision::Read);
}

#[test]
fn the_first_reading_of_a_green_head_counts_until_it_shows_another() {
    let green = |second| PullStatus { checked_at: sample::at(second), ..status(Stage::Ready) };
    let first = Seen::after(None, &green(5), false);
    assert_eq!(first, Some(Seen { head: "abc".into(), at: sample::at(5), unchecked: false }));
    assert_eq!(Seen::after(first.clone(), &green(50), false), first);
    let moved = PullStatus { head: Some("def".into()), ..green(60) };
    assert_eq!(Seen::after(first.clone(), &moved, false).unwrap().at, sample::at(60));
    let red = PullStatus { checks: Some(Checks::Failure), ..green(60) };
    assert_eq!(Seen::after(first.clone(), &red, true), None);
    let none = PullStatus { checks: None, stage: Stage::Unchecked, ..green(60) };
    assert_eq!(Seen::after(first.clone(), &none, false), None);
    let bare = Seen::after(first, &none, true);
    assert_eq!(bare.as_ref().map(|seen| (seen.at, seen.unchecked)), Some((sample::at(60), true)));
    let checked = Seen::after(bare, &green(70), true);
    assert_eq!(checked.map(|seen| seen.at), Some(sample::at(70)), "a check has come: more may");
}

#[test]
fn what_has_no_checks_is_merged_if_that_is_asked_for() {
    let unchecked = |world: &mut World| {
        world.terms.takes_unchecked = true;
        world.status.checks = None;
        world.reading.as_mut().unwrap().checks = Fact::None;
    };
    assert!(matches!(merged(unchecked), Decision::Do(_)));
    let unread = |world: &mut World| {
        unchecked(world);
        world.reading.as_mut().unwrap().checks = Fact::Unread("no right".into());
    };
    assert!(matches!(merged(unread), Decision::Leave(_)));
}

#[test]
fn a_session_is_sent_one_message_a_head() {
    let decide = |stage, change: fn(&mut World)| {
        let mut world = World { status: status(stage), ..World::default() };
        change(&mut world);
        message(&world.case(), true)
    };
    assert_eq!(decide(Stage::ChecksFailed, |_| {}), Decision::Do(Step::Message));
    assert_eq!(decide(Stage::Conflict, |_| {}), Decision::Do(Step::Message));
    for stage in
        [Stage::Merged, Stage::Closed, Stage::Foreign, Stage::Touched, Stage::Working, Stage::Unknown]
    {
        assert!(matches!(decide(stage, |_| {}), Decision::Leave(_)), "{stage}");
    }
    let touched = decide(Stage::ChecksFailed, |world| world.status.touched_by = Some("mallory".into()));
    assert_eq!(left(&touched), "touched");
    assert_eq!(left(&message(&World::default().case(), false)), "no session");
}

#[test]
fn closing_and_updating_are_decided_by_the_reading() {
    let of = |stage| World { status: status(stage), ..World::default() };
    assert_eq!(close(&of(Stage::Conflict).case()), Decision::Do(Step::Close));
    assert_eq!(close(&of(Stage::Closed).case()), Decision::AlreadySo);
    for stage in [Stage::Merged, Stage::Foreign, Stage::Touched, Stage::Unknown] {
        assert!(matches!(close(&of(stage).case()), Decision::Leave(_)), "{stage}");
    }
    let behind = of(Stage::Behind);
    assert_eq!(update(&behind.case(), [Stage::Behind, Stage::Merged]), Decision::Do(Step::Update));
    assert_eq!(left(&update(&behind.case(), [Stage::ChecksPending])), "behind");
    assert_eq!(left(&update(&of(Stage::Ready).case(), [])), "up to date");
    assert_eq!(left(&update(&of(Stage::Touched).case(), [])), "touched or on hold");
}

fn some<T: std::fmt::Debug>(
    usual: impl Strategy<Value = T> + 'static,
    all: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<T> {
    prop_oneof![3 => usual, 1 => all].boxed()
}

fn worlds() -> impl Strategy<Value = World> {
    let checks = prop_oneof![
        4 => Just(Fact::Some(Checks::Success)),
        1 => Just(Fact::None),
        1 => Just(Fact::Some(Checks::Failure)),
        1 => Just(Fact::Some(Checks::Other("GREEN".to_owned()))),
        1 => Just(Fact::Unread("x".to_owned())),
    ];
    let flags =
        (any::<bool>(), any::<bool>(), some(Just(false), any::<bool>()), some(Just(false), any::<bool>()));
    let stage = some(Just(Stage::Ready), proptest::sample::select(&Stage::ALL[..]));
    let head = || some(Just("abc".to_owned()), Just("def".to_owned()));
    let labels = some(Just(Fact::Some(Vec::new())), Just(Fact::Some(vec!["hold".to_owned()])));
    let touched = some(Just(None), Just(Some("mallory".to_owned())));
    (checks, flags, stage, (head(), head(), head()), (0_i64..60, 0_i64..400), labels, touched).prop_map(
        |(checks, (unchecked, approval, draft, fork), stage, heads, (age, seen), labels, touched_by)| {
            let status = PullStatus { touched_by, checked_at: sample::at(10_000 - age), ..status(stage) };
            let mut world = World { status, ..World::default() };
            let reading = world.reading.as_mut().unwrap();
            (reading.checks, reading.is_draft, reading.is_cross_repository) = (checks, draft, fork);
            reading.head = heads.0;
            let details = world.details.as_mut().unwrap();
            (details.head, details.labels) = (heads.1, labels);
            world.seen = Some(Seen { head: heads.2, at: sample::at(10_000 - seen), unchecked });
            (world.terms.takes_unchecked, world.terms.wants_approval) = (unchecked, approval);
            world
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_merge_happens_only_under_all_of_its_conditions(world in worlds()) {
        let decision = world.merge();
        let (status, reading, details) = (&world.status, world.reading.as_ref().unwrap(), world.details.as_ref().unwrap());
        let seen = world.seen.as_ref().unwrap();
        let all = status.stage == Stage::Ready
            && status.touched_by.is_none()
            && now().duration_since(status.checked_at) <= FRESH
            && [&reading.head, &details.head, &seen.head].iter().all(|head| **head == "abc")
            && world.asked_at.duration_since(seen.at) >= SignedDuration::from_secs(120)
            && (reading.checks == Fact::Some(Checks::Success)
                || (world.terms.takes_unchecked && reading.checks == Fact::None))
            && !reading.is_draft
            && !reading.is_cross_repository
            && details.labels == Fact::Some(Vec::new())
            && (!world.terms.wants_approval || details.is_approved());
        prop_assert_eq!(matches!(decision, Decision::Do(_)), all, "{:?}", decision);
    }

    #[test]
    fn nothing_is_done_to_what_is_not_ours(stage in proptest::sample::select(&Stage::ALL[..]), touched in any::<bool>()) {
        let status = PullStatus { touched_by: touched.then(|| "mallory".to_owned()), ..status(stage) };
        let world = World { status, ..World::default() };
        let case = world.case();
        let decisions = [world.merge(), close(&case), message(&case, true), update(&case, [])];
        if touched || matches!(stage, Stage::Foreign | Stage::Touched | Stage::Unknown | Stage::Merged) {
            prop_assert!(!decisions.iter().any(|decision| matches!(decision, Decision::Do(_))), "{:?}", decisions);
        }
    }
}
