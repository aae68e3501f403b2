//! Whatever a reading says, the first rule that fits decides, and only the whole conjunction is ready.

use proptest::prelude::*;

use super::*;

fn word() -> impl Strategy<Value = String> {
    "[A-Z_]{1,8}".prop_filter("a known word", |word| word != "OPEN")
}

fn fact<T: Clone + std::fmt::Debug + 'static>(
    some: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Fact<T>> {
    prop_oneof![2 => Just(Fact::None), 1 => Just(Fact::Unread("no".to_owned())), 6 => some.prop_map(Fact::Some)].boxed()
}

fn any_pull() -> impl Strategy<Value = PullRequest> {
    let state = prop_oneof![
        1 => Just(State::Merged),
        1 => Just(State::Closed),
        1 => word().prop_map(State::Other),
        12 => Just(State::Open),
    ];
    let mergeable = prop_oneof![
        1 => Just(Mergeable::Conflicting),
        1 => Just(Mergeable::Unknown),
        1 => word().prop_map(Mergeable::Other),
        6 => Just(Mergeable::Mergeable),
    ];
    let merge_state = prop_oneof![
        Just(MergeState::Behind),
        Just(MergeState::Blocked),
        Just(MergeState::Dirty),
        Just(MergeState::Draft),
        Just(MergeState::HasHooks),
        Just(MergeState::Unknown),
        Just(MergeState::Unstable),
        word().prop_map(MergeState::Other),
        Just(MergeState::Clean),
        Just(MergeState::Clean),
    ];
    let review = fact(prop_oneof![
        Just(Review::ChangesRequested),
        Just(Review::ReviewRequired),
        word().prop_map(Review::Other),
        Just(Review::Approved),
    ]);
    let checks = fact(prop_oneof![
        Just(Checks::Failure),
        Just(Checks::Error),
        Just(Checks::Pending),
        Just(Checks::Expected),
        word().prop_map(Checks::Other),
        Just(Checks::Success),
        Just(Checks::Success),
        Just(Checks::Success),
    ]);
    let auto_merge = prop_oneof![
        5 => Just(Fact::None),
        1 => Just(Fact::Unread("no".to_owned())),
        1 => Just(Fact::Some(AutoMerge { enabled_at: None })),
    ];
    let rarely = || proptest::bool::weighted(0.1);
    let flags = (rarely(), rarely(), rarely(), rarely(), rarely());
    (state, mergeable, merge_state, review, checks, auto_merge, flags, 0..70_i64).prop_map(
        |(state, mergeable, merge_state, review, checks, auto_merge, flags, updated)| {
            let mut pull = pull();
            (pull.state, pull.mergeable, pull.merge_state) = (state, mergeable, merge_state);
            (pull.review, pull.checks, pull.auto_merge) = (review, checks, auto_merge);
            (
                pull.is_draft,
                pull.is_cross_repository,
                pull.is_in_merge_queue,
                pull.repository.is_archived,
                _,
            ) = flags;
            if flags.4 {
                pull.branch = "fix-typos".to_owned();
            }
            pull.updated_at = at(updated);
            pull
        },
    )
}

fn any_beside() -> impl Strategy<Value = Beside> {
    let pushes = prop_oneof![
        8 => Just(Pushes::Own),
        1 => Just(Pushes::NotRead),
        1 => Just(Pushes::By("mallory".to_owned())),
        1 => Just(Pushes::Unread("no".to_owned())),
    ];
    let details = prop_oneof![
        4 => Just(None),
        4 => Just(labelled(Fact::Some(vec!["deps".to_owned()]))),
        1 => Just(labelled(Fact::Some(vec!["hold".to_owned()]))),
        1 => Just(labelled(Fact::Unread("no".to_owned()))),
    ];
    let source = prop_oneof![12 => Just("my-org/web"), 1 => Just("my-org/api")];
    let earlier = prop_oneof![
        2 => Just(None),
        1 => any_pull().prop_map(|pull| Some(Beside::default().status(&Ok(pull)))),
    ];
    (pushes, details, source, earlier, proptest::bool::weighted(0.1), any::<bool>()).prop_map(
        |(pushes, details, source, earlier, is_live, takes_unchecked)| Beside {
            pushes,
            details,
            source: Some(source.to_owned()),
            earlier,
            is_live,
            terms: Terms { takes_unchecked, ..Terms::default() },
            ..Beside::default()
        },
    )
}

/// The table of rules, as predicates that know nothing of each other.
fn table(pull: &PullRequest, beside: &Beside, status: &PullStatus) -> Vec<(Stage, bool)> {
    let head_age = now().duration_since(status.head_since.unwrap());
    let unread = |is: bool| (Stage::Unknown, is);
    let was_asked = beside
        .earlier
        .as_ref()
        .is_some_and(|earlier| earlier.head.as_ref() == Some(&pull.head) && earlier.stage > Stage::Touched);
    let was_touched = beside.earlier.as_ref().is_some_and(|earlier| earlier.touched_by.is_some());
    let was_foreign = beside.earlier.as_ref().is_some_and(|earlier| earlier.stage == Stage::Foreign);
    let was_ours = beside
        .earlier
        .as_ref()
        .is_some_and(|earlier| !matches!(earlier.stage, Stage::Foreign | Stage::Unknown));
    let is_named = if pull.branch.contains(ID) { !was_foreign } else { was_ours };
    let is_held = beside.details.as_ref().is_some_and(|details| match &details.labels {
        Fact::Some(labels) => labels == &["hold"],
        Fact::None => false,
        Fact::Unread(_) => true,
    });
    vec![
        (Stage::Merged, pull.state == State::Merged),
        (Stage::Closed, pull.state == State::Closed),
        unread(pull.state != State::Open),
        (
            Stage::Foreign,
            beside.source.as_deref() != Some("my-org/web") || pull.is_cross_repository || !is_named,
        ),
        (Stage::Working, beside.is_live || head_age < SignedDuration::from_mins(2)),
        (
            Stage::Touched,
            was_touched || is_held || matches!(beside.pushes, Pushes::By(_) | Pushes::Unread(_)),
        ),
        unread(beside.pushes == Pushes::NotRead && !was_asked),
        (Stage::Blocked, pull.repository.is_archived),
        (Stage::Draft, pull.is_draft || pull.merge_state == MergeState::Draft),
        (Stage::Conflict, pull.mergeable == Mergeable::Conflicting || pull.merge_state == MergeState::Dirty),
        (Stage::ChangesRequested, pull.review == Fact::Some(Review::ChangesRequested)),
        unread(matches!(pull.review, Fact::Unread(_)) || matches!(pull.auto_merge, Fact::Unread(_))),
        (Stage::Queued, pull.is_in_merge_queue || matches!(pull.auto_merge, Fact::Some(_))),
        (Stage::ChecksFailed, matches!(pull.checks, Fact::Some(Checks::Failure | Checks::Error))),
        (Stage::ChecksPending, matches!(pull.checks, Fact::Some(Checks::Pending | Checks::Expected))),
        (Stage::Blocked, matches!(pull.checks, Fact::Some(Checks::Other(_)))),
        unread(matches!(pull.checks, Fact::Unread(_))),
        (Stage::ChecksPending, pull.checks == Fact::None && head_age < SignedDuration::from_mins(10)),
        (Stage::Unchecked, pull.checks == Fact::None && !beside.terms.takes_unchecked),
        (Stage::ReviewRequired, pull.review == Fact::Some(Review::ReviewRequired)),
        (Stage::Blocked, matches!(pull.review, Fact::Some(Review::Other(_)))),
        (Stage::Blocked, matches!(pull.mergeable, Mergeable::Other(_))),
        (Stage::Behind, pull.merge_state == MergeState::Behind),
        (Stage::Blocked, matches!(pull.merge_state, MergeState::Blocked | MergeState::Other(_))),
        (
            Stage::Checking,
            pull.mergeable == Mergeable::Unknown
                || matches!(pull.merge_state, MergeState::Unknown | MergeState::Unstable),
        ),
        (Stage::Ready, true),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_first_rule_that_fits_decides(pull in any_pull(), beside in any_beside()) {
        let status = beside.status(&Ok(pull.clone()));
        let first = table(&pull, &beside, &status).into_iter().find(|(_, fits)| *fits).unwrap().0;
        prop_assert_eq!(status.stage, first, "{:?}", status);
    }

    #[test]
    fn ready_has_everything(pull in any_pull(), beside in any_beside()) {
        let status = beside.status(&Ok(pull.clone()));
        if status.stage == Stage::Ready {
            let is_green = pull.checks == Fact::Some(Checks::Success)
                || beside.terms.takes_unchecked && pull.checks == Fact::None;
            prop_assert!(is_green && status.touched_by.is_none() && !beside.is_live && !pull.is_draft);
            prop_assert!(matches!(pull.merge_state, MergeState::Clean | MergeState::HasHooks));
            prop_assert!(matches!(pull.review, Fact::None | Fact::Some(Review::Approved)));
            prop_assert_eq!(&pull.state, &State::Open);
            prop_assert_eq!(&pull.mergeable, &Mergeable::Mergeable);
            prop_assert_eq!(&pull.auto_merge, &Fact::None);
            prop_assert!(!pull.is_in_merge_queue && !pull.is_cross_repository && !pull.repository.is_archived);
            prop_assert!(now().duration_since(status.head_since.unwrap()) >= SignedDuration::from_mins(2));
        }
    }

    #[test]
    fn an_unknown_word_never_means_go(odd in word(), place in 0..5) {
        let odd = format!("{odd}_ODD");
        let status = Beside::default().status(&Ok(with(|pull| match place {
            0 => pull.state = State::Other(odd),
            1 => pull.mergeable = Mergeable::Other(odd),
            2 => pull.merge_state = MergeState::Other(odd),
            3 => pull.review = Fact::Some(Review::Other(odd)),
            _ => pull.checks = Fact::Some(Checks::Other(odd)),
        })));
        prop_assert!(matches!(status.stage, Stage::Unknown | Stage::Blocked), "{status:?}");
        prop_assert!(status.reason.unwrap().contains("_ODD`"));
    }
}
