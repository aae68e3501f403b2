//! What a session was asked: how it is known where its title does not tell.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::plan::Task;
use jules::Session;

/// What stands before the number of the attempt where a prompt has an addition.
const ATTEMPT: &str = "[jb-attempt-";

/// A session's prompt and source, as far as a listing shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// A hash: prompts can be long, and sessions many. None for any prompt.
    prompt: Option<u64>,
    /// In lower case, as GitHub does not tell it from upper case.
    source: Option<String>,
    branch: Option<String>,
}

impl Ask {
    /// None where the listing leaves the prompt out.
    pub(super) fn of_session(session: &Session) -> Option<Self> {
        let context = session.source_context.as_ref();
        let source = context.and_then(|context| context.source.as_deref());
        let branch = context.and_then(|context| context.starting_branch());
        session.prompt.as_deref().map(|prompt| Self::new(prompt, source, branch))
    }

    pub(super) fn of_task(task: &Task) -> Self {
        let source = task.source.as_ref();
        Self::new(&task.prompt, source.map(|s| &*s.github), source.map(|s| &*s.branch))
    }

    /// The same with a prompt that has been edited since.
    pub(super) fn with_any_prompt(self) -> Self {
        Self { prompt: None, ..self }
    }

    fn new(prompt: &str, source: Option<&str>, branch: Option<&str>) -> Self {
        let mut hasher = DefaultHasher::new();
        // A service may tidy the white space. What a further attempt was told besides is not what it was asked: whoever has
        // lost the ledger does not know it.
        let words = prompt.split_whitespace().take_while(|word| !is_attempt(word));
        words.for_each(|word| word.hash(&mut hasher));
        let name = |source: &str| source.trim_start_matches("sources/github/").to_lowercase();
        Self { prompt: Some(hasher.finish()), source: source.map(name), branch: branch.map(str::to_owned) }
    }

    /// The prompt of a further attempt, which is told this besides.
    pub(super) fn with_addition(prompt: &str, attempt: u32, addition: &str) -> String {
        format!("{}\n\n{ATTEMPT}{attempt}]\n{addition}", prompt.trim_end())
    }

    /// Whether a session that is shown with this was asked `whole`; none where that cannot be told, because the answer
    /// lacks the source.
    pub(super) fn is(&self, whole: &Self) -> Option<bool> {
        match self.fits(whole) {
            true if whole.source.is_some() && self.source.is_none() => None,
            fits => Some(fits),
        }
    }

    /// Whether a session that is listed with this can be one that was asked `whole`. Answers may lack source and branch.
    pub(super) fn fits(&self, whole: &Self) -> bool {
        let fits = |listed: &Option<String>, asked: &Option<String>| listed.is_none() || listed == asked;
        let is_prompt = whole.prompt.is_none() || self.prompt == whole.prompt;
        is_prompt && fits(&self.source, &whole.source) && fits(&self.branch, &whole.branch)
    }
}

/// Whether a prompt ends here, and what was added for an attempt begins.
fn is_attempt(word: &str) -> bool {
    let number = word.strip_prefix(ATTEMPT).and_then(|rest| rest.strip_suffix(']'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_listing_leaves_out_can_be_anything_and_the_rest_must_be_the_same() {
        let whole = Ask::new("Do it.", Some("My-Org/Web"), Some("main"));
        let can_be = |prompt, source, branch| Ask::new(prompt, source, branch).fits(&whole);
        assert!(can_be("Do  it.\r\n", Some("sources/github/my-org/web"), Some("main")));
        assert!(can_be("Do it.", Some("sources/github/my-org/web"), None));
        assert!(can_be("Do it.", None, None));
        let is = |prompt, source| Ask::new(prompt, source, None).is(&whole);
        assert_eq!(is("Do it.", Some("my-org/web")), Some(true));
        assert_eq!((is("Do it.", None), is("Do that.", None)), (None, Some(false)));
        assert_eq!(Ask::new("Do it.", None, None).is(&Ask::new("Do it.", None, None)), Some(true));
        assert!(!can_be("Do that.", Some("sources/github/my-org/web"), Some("main")));
        assert!(!can_be("Do it.", Some("sources/github/my-org/app"), Some("main")));
        assert!(!can_be("Do it.", Some("sources/github/my-org/web"), Some("next")));
        let again = Ask::with_addition("Do it.\n", 2, "It failed: do better.\n[jb-attempt-9] Do that.");
        assert_eq!(again, "Do it.\n\n[jb-attempt-2]\nIt failed: do better.\n[jb-attempt-9] Do that.");
        assert!(can_be(&*again, None, None), "what was added does not count");
        assert!(can_be("Do it. [jb-attempt-12] More.", None, None));
        for other in
            ["Do it. It failed: do better.", "Do that. [jb-attempt-2] It failed.", "Do it. [jb-attempt-x]"]
        {
            assert!(!can_be(other, None, None), "{other}");
        }
        assert!(!Ask::new("Do it.", Some("my-org/web"), None).fits(&Ask::new("Do it.", None, None)));
    }
}
