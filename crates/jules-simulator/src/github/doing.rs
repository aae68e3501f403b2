//! The deeds of a scenario, carried out.

use jiff::Timestamp;

use super::{
    actor::Actor,
    branches::NewHead,
    deed::{Deed, DeedScript},
    pull::{AutoMerge, Comment, EventKind, Mergeability, PullIx, Review},
    repository::PushKind,
    words::ReviewState,
    world::{Stir, World},
};

/// Does what the deed says at `at`, unless the pull request's state does not allow it.
pub(super) fn perform(world: &mut World, ix: PullIx, deed: &DeedScript, at: Timestamp) {
    let by = if deed.by == "jules" { Actor::jules() } else { Actor::named(&deed.by) };
    let pull = &world.pulls[ix.0];
    let (is_open, is_merged) = (pull.is_open(), pull.is_merged());
    match deed.does {
        Deed::Comment => comment(world, ix, by, deed.text.clone(), at),
        Deed::DeleteBranch => world.delete_branch(ix, by, at),
        Deed::Reopen if !is_open && !is_merged => reopen(world, ix, by, at),
        Deed::Lock | Deed::Unlock => lock(world, ix, by, at, deed.does == Deed::Lock),
        Deed::Label => label(world, ix, by, &deed.text, at),
        Deed::Unlabel => unlabel(world, ix, by, &deed.text, at),
        _ if !is_open => {}
        Deed::Reopen => {}
        Deed::Push | Deed::ForcePush => {
            let is_forced = deed.does == Deed::ForcePush;
            let message = if deed.text.is_empty() { "Another commit".to_owned() } else { deed.text.clone() };
            world.push(ix, NewHead { by, at, is_forced, message, starts_workflows: true });
        }
        Deed::Approve => review(world, ix, by, deed, ReviewState::Approved, at),
        Deed::RequestChanges => review(world, ix, by, deed, ReviewState::ChangesRequested, at),
        Deed::Review => review(world, ix, by, deed, ReviewState::Commented, at),
        Deed::Dismiss => dismiss(world, ix, by, at),
        Deed::Close => world.close(ix, by, at),
        Deed::Merge => drop(world.merge(ix, by, at, PushKind::Merge)),
        Deed::Draft | Deed::Ready => set_draft(world, ix, by, at, deed.does == Deed::Draft),
        Deed::Conflict | Deed::Resolve => set_conflict(world, ix, deed.does == Deed::Conflict, at, by),
        Deed::MoveBase => {
            let (repository, base) = (world.pulls[ix.0].repository, world.pulls[ix.0].base.clone());
            world.move_base(repository, &base, by, at);
        }
        Deed::EditBody => edit(world, ix, at, |pull| pull.body.clone_from(&deed.text)),
        Deed::Retarget => edit(world, ix, at, |pull| {
            pull.base.clone_from(&deed.text);
            pull.mergeability = Mergeability::Unasked;
        }),
        Deed::Enqueue => world.enqueue(ix, by, at),
        Deed::Dequeue => world.pulls[ix.0].queued = None,
        Deed::AutoMerge => {
            let method = world.default_method(ix);
            world.pulls[ix.0].auto_merge = Some(AutoMerge { at, by, method });
        }
    }
}

/// A comment; one of the user who started the session brings the session back to work.
pub(super) fn comment(world: &mut World, ix: PullIx, by: Actor, body: String, at: Timestamp) {
    world.comments += 1;
    let id = 1_900_000_000 + world.comments;
    let is_user = by == world.user;
    let pull = &mut world.pulls[ix.0];
    pull.comments.push(Comment { id, at, by, body });
    pull.touch(at);
    if let Some((answer, session)) = pull.script.on_comment.as_ref().zip(pull.session)
        && is_user
    {
        world.stirs.push(Stir { session, at, wake: answer.wake() });
    }
}

pub(super) fn reopen(world: &mut World, ix: PullIx, by: Actor, at: Timestamp) {
    let pull = &mut world.pulls[ix.0];
    pull.closing = None;
    pull.mergeability = Mergeability::Unasked;
    pull.happen(at, by, EventKind::Reopened);
}

pub(super) fn set_draft(world: &mut World, ix: PullIx, by: Actor, at: Timestamp, is_draft: bool) {
    let pull = &mut world.pulls[ix.0];
    if std::mem::replace(&mut pull.is_draft, is_draft) != is_draft {
        let what = if is_draft { EventKind::ConvertedToDraft } else { EventKind::ReadyForReview };
        pull.happen(at, by, what);
    }
}

fn set_conflict(world: &mut World, ix: PullIx, has_conflict: bool, at: Timestamp, by: Actor) {
    let (repository, base) = (world.pulls[ix.0].repository, world.pulls[ix.0].base.clone());
    world.move_base(repository, &base, by, at);
    world.pulls[ix.0].has_conflict = has_conflict;
}

fn lock(world: &mut World, ix: PullIx, by: Actor, at: Timestamp, is_locked: bool) {
    let pull = &mut world.pulls[ix.0];
    if !std::mem::replace(&mut pull.is_locked, is_locked) && is_locked {
        pull.happen(at, by, EventKind::Locked);
    }
}

fn label(world: &mut World, ix: PullIx, by: Actor, name: &str, at: Timestamp) {
    let pull = &mut world.pulls[ix.0];
    if !pull.labels.iter().any(|label| label == name) {
        pull.labels.push(name.to_owned());
        pull.happen(at, by, EventKind::Labeled(name.to_owned()));
    }
}

fn unlabel(world: &mut World, ix: PullIx, by: Actor, name: &str, at: Timestamp) {
    let pull = &mut world.pulls[ix.0];
    if pull.labels.iter().any(|label| label == name) {
        pull.labels.retain(|label| label != name);
        pull.happen(at, by, EventKind::Unlabeled(name.to_owned()));
    }
}

fn review(world: &mut World, ix: PullIx, by: Actor, deed: &DeedScript, state: ReviewState, at: Timestamp) {
    let pull = &mut world.pulls[ix.0];
    let head = pull.newest();
    pull.reviews.push(Review { at, by, by_writer: deed.writer, state, body: deed.text.clone(), head });
    pull.touch(at);
}

fn dismiss(world: &mut World, ix: PullIx, by: Actor, at: Timestamp) {
    let pull = &mut world.pulls[ix.0];
    let Some((review, _)) = pull.opinions(false).last().copied() else { return };
    let was = std::mem::replace(&mut pull.reviews[review].state, ReviewState::Dismissed);
    pull.happen(at, by, EventKind::Dismissed { review, was });
}

fn edit(world: &mut World, ix: PullIx, at: Timestamp, change: impl FnOnce(&mut super::pull::Pull)) {
    let pull = &mut world.pulls[ix.0];
    change(pull);
    pull.edited_at = Some(at);
    pull.touch(at);
}
