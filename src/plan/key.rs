//! A task's key: what a resumed run goes by.

use std::borrow::Cow;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::task::{Plan, Task, TaskKey, TaskSource};

/// What a plan's tasks are known under besides their keys of today.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FormerNames<'p> {
    /// The plan's name, where its keys hash a project as well: those of before, and of a folder, do not.
    unshared: Option<&'p str>,
    /// The default name of older programs.
    older: Option<&'p str>,
}

impl Plan {
    /// The same where projects share a ledger: two that call their manifests alike have no task in common.
    pub(crate) fn of_project(&mut self, project: &str) {
        let project: Arc<str> = project.into();
        for task in &mut self.tasks {
            task.project = Some(Arc::clone(&project));
            task.key = task.key_under(&self.name);
        }
    }

    /// What its tasks may be known under as well.
    pub(crate) fn former_names(&self) -> FormerNames<'_> {
        let is_shared = self.tasks.first().is_some_and(|task| task.project.is_some());
        let unshared = is_shared.then_some(&*self.name);
        FormerNames { unshared, older: self.former_name.as_deref() }
    }
}

impl Task {
    /// The key that it has in a manifest of this name.
    #[must_use]
    fn key_under(&self, name: &str) -> TaskKey {
        task_key(self.project.as_deref(), name, &self.known_id(), &self.prompt)
    }

    /// The same where no projects share a ledger.
    #[must_use]
    pub(crate) fn unshared_key_under(&self, name: &str) -> TaskKey {
        task_key(None, name, &self.known_id(), &self.prompt)
    }

    /// Whether it has that key in a manifest of this name, or had before projects shared the ledger.
    #[must_use]
    pub(crate) fn has_key_under(&self, name: &str, key: &str) -> bool {
        let is_shared = self.project.is_some();
        self.key_under(name).as_str() == key || is_shared && self.unshared_key_under(name).as_str() == key
    }

    /// All keys that its sessions and pull requests may stand under, that of today first.
    pub(crate) fn every_key(&self, former: FormerNames<'_>) -> impl Iterator<Item = TaskKey> {
        let FormerNames { unshared, older } = former;
        let former = unshared.into_iter().chain(older).map(|name| self.unshared_key_under(name));
        std::iter::once(self.key.clone()).chain(former)
    }

    fn known_id(&self) -> Cow<'_, str> {
        without_case(self.id.as_str(), self.source.as_ref())
    }
}

/// SHA-256 over the project where several share a ledger, the plan's name, the task's id and its prompt, each preceded by its
/// length.
pub(super) fn task_key(project: Option<&str>, plan: &str, id: &str, prompt: &str) -> TaskKey {
    let mut hash = Sha256::new();
    for part in project.into_iter().chain([plan, id, prompt]) {
        // With the lengths, no two lists of parts feed the hash the same bytes.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    TaskKey::new(hex(&hash.finalize()))
}

/// An id with its repository in lower case: another spelling of the name is the same task.
pub(super) fn without_case<'a>(id: &'a str, source: Option<&TaskSource>) -> Cow<'a, str> {
    match source {
        Some(source) if source.github.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            id.replacen(&source.github, &source.github.to_ascii_lowercase(), 1).into()
        }
        _ => id.into(),
    }
}

/// The first eight bytes of a hash over a task's id: what `--shard M/N` goes by.
pub(super) fn id_hash(id: &str) -> u64 {
    let hash = Sha256::digest(id.as_bytes());
    let (first, _) = hash.split_first_chunk::<8>().expect("a SHA-256 has 32 bytes");
    u64::from_be_bytes(*first)
}

/// Eight characters that tell texts apart where the whole would be too long.
pub(super) fn digest8(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..4])
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS[usize::from(nibble)];
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_the_same_for_ever() {
        // Resumed runs and sessions already created carry keys: a change here orphans them.
        let key = task_key(None, "nightly", "docs/a/b@main", "Write docs.");
        assert_eq!(key.as_str(), "af5ba991f836e7730fecf6ceea8453e6bcfb29f9bd5b1128de424f74ae684ba4");
        assert_eq!(key.short().len(), 16);
        let key = task_key(Some("my-org/web"), "nightly", "docs/a/b@main", "Write docs.");
        assert_eq!(key.as_str(), "c7b24c27bfd33186a991b4c6e7db23a24153e151901e6b0e5512246c8a2f0baf");
    }

    #[test]
    fn parts_cannot_slide_into_each_other() {
        assert_ne!(task_key(None, "a", "bc", "d"), task_key(None, "ab", "c", "d"));
        assert_ne!(task_key(None, "a", "b", "cd"), task_key(None, "a", "bc", "d"));
        assert_ne!(task_key(Some("a"), "b", "c", "d"), task_key(None, "a", "b", "cd"));
    }
}
