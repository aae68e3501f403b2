//! Who has pushed to a branch: by GitHub's list of pushes, the only one that a commit's author cannot forge.

use crate::github::{Push, PushKind, Reading};

/// Jules' account, as REST calls it.
const JULES: &str = "google-labs-jules[bot]";

/// In whose name workflows push with their job's own token: formatters, updaters, whatever a repository runs.
const ACTIONS: &str = "github-actions[bot]";

/// Who has pushed to the branch of a pull request, up to its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pushes {
    /// Nobody has asked since it has this head.
    NotRead,
    /// Jules and we alone.
    Own,
    /// Somebody else, the last of them.
    By(String),
    /// It cannot be told, and why.
    Unread(String),
}

impl Pushes {
    /// By the pushes of its branch, newest first, for this head; `own` is the login of our token, an app's ends with `[bot]`.
    /// The job's own token of Actions makes nothing ours: whatever workflows push is in its name.
    pub(crate) fn of(activity: &Reading<Vec<Push>>, head: &str, own: Option<&str>) -> Self {
        let pushes = match activity {
            Ok(pushes) => pushes,
            Err(unreadable) => return Self::Unread(unreadable.said.clone()),
        };
        let mut pushes = pushes.iter().filter(|push| push.kind != PushKind::BranchDeletion).peekable();
        match pushes.peek() {
            Some(newest) if newest.after == head => {}
            // The list lags behind, or the head moved since.
            Some(_) | None => return Self::Unread("the push of its head is not listed".to_owned()),
        }
        let own = own.filter(|own| !own.eq_ignore_ascii_case(ACTIONS));
        let is_own = |login: &str| login == JULES || own.is_some_and(|own| own.eq_ignore_ascii_case(login));
        let other = pushes.find_map(|push| match push.actor.as_deref() {
            Some(login) if is_own(login) => None,
            Some(login) => Some(login.to_owned()),
            None => Some("an account that is gone".to_owned()),
        });
        other.map_or(Self::Own, Self::By)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::{Unreadable, UnreadableKind};

    fn push(after: &str, actor: Option<&str>) -> Push {
        Push { after: after.to_owned(), actor: actor.map(str::to_owned), kind: PushKind::Push }
    }

    fn of(pushes: &[Push]) -> Pushes {
        Pushes::of(&Ok(pushes.to_vec()), "b", Some("octocat"))
    }

    #[test]
    fn everybody_but_jules_and_we_has_touched_it() {
        let jules = |after| push(after, Some(JULES));
        assert_eq!(of(&[jules("b"), jules("a")]), Pushes::Own);
        assert_eq!(of(&[push("b", Some("Octocat")), jules("a")]), Pushes::Own);
        assert_eq!(of(&[push("b", Some("alice")), jules("a")]), Pushes::By("alice".to_owned()));
        assert_eq!(of(&[jules("b"), push("a", Some("alice"))]), Pushes::By("alice".to_owned()));
        let look_alike = of(&[push("b", Some("google-labs-jules"))]);
        assert_eq!(look_alike, Pushes::By("google-labs-jules".to_owned()), "a user may have that login");
        assert_eq!(of(&[push("b", None)]), Pushes::By("an account that is gone".to_owned()));
    }

    #[test]
    fn an_apps_pushes_are_ours_with_its_token_and_a_workflows_never_are() {
        let of = |actor, own| Pushes::of(&Ok(vec![push("b", Some(actor)), push("a", Some(JULES))]), "b", own);
        assert_eq!(
            of("campaigns[bot]", Some("campaigns[bot]")),
            Pushes::Own,
            "it brought the branch up to date"
        );
        for (actor, own) in [
            ("campaigns[bot]", Some("octocat")),
            ("campaigns", Some("campaigns[bot]")),
            ("github-actions[bot]", Some("octocat")),
            ("github-actions[bot]", Some("github-actions[bot]")),
            ("web-flow", Some("octocat")),
            ("octocat", None),
        ] {
            assert_eq!(of(actor, own), Pushes::By(actor.to_owned()), "{own:?}");
        }
    }

    #[test]
    fn what_is_not_listed_is_not_known() {
        let lagging = [push("a", Some(JULES))];
        assert!(matches!(of(&lagging), Pushes::Unread(_)));
        assert!(matches!(of(&[]), Pushes::Unread(_)));
        let refused = Unreadable { kind: UnreadableKind::Forbidden, said: "no".to_owned() };
        assert_eq!(Pushes::of(&Err(refused), "b", None), Pushes::Unread("no".to_owned()));
        let deletion = Push { kind: PushKind::BranchDeletion, ..push("0", Some("alice")) };
        assert_eq!(of(&[deletion, push("b", Some(JULES))]), Pushes::Own, "a deletion is no push");
    }
}
