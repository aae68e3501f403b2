//! A task's key: what a resumed run goes by.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::task::{Task, TaskKey, TaskSource};

impl Task {
    /// The key that it has in a manifest of this name.
    #[must_use]
    pub(crate) fn key_under(&self, name: &str) -> TaskKey {
        task_key(name, &without_case(self.id.as_str(), self.source.as_ref()), &self.prompt)
    }
}

/// SHA-256 over the plan's name, the task's id and its prompt, each preceded by its length.
pub(super) fn task_key(plan: &str, id: &str, prompt: &str) -> TaskKey {
    let mut hash = Sha256::new();
    for part in [plan, id, prompt] {
        // With the lengths, no two triples feed the hash the same bytes.
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
        let key = task_key("nightly", "docs/a/b@main", "Write docs.");
        assert_eq!(key.as_str(), "af5ba991f836e7730fecf6ceea8453e6bcfb29f9bd5b1128de424f74ae684ba4");
        assert_eq!(key.short().len(), 16);
    }

    #[test]
    fn parts_cannot_slide_into_each_other() {
        assert_ne!(task_key("a", "bc", "d"), task_key("ab", "c", "d"));
        assert_ne!(task_key("a", "b", "cd"), task_key("a", "bc", "d"));
    }
}
