//! `retries.prompt`: what a further attempt is told of the one before.

use std::fmt;
use std::sync::Arc;

use foreign_text::{one_line, plain};
use minijinja::value::Value;

use super::scope::Scope;
use super::template::Template;
use crate::manifest::{Diagnostic, Diagnostics};

/// So much of a reason is told, in bytes. It can hold the agent's words.
const MAX_REASON: usize = 2_000;

/// The text that the prompt of a further attempt has in addition.
#[derive(Clone)]
pub struct RetryPrompt {
    template: Arc<Template>,
    scope: Arc<Scope>,
}

/// How the attempt before ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct PreviousAttempt<'a> {
    /// Its outcome, such as `failed`.
    pub outcome: &'a str,
    /// Why; foreign text, which becomes one line of at most 2,000 bytes without control characters.
    pub reason: &'a str,
    /// The address of its pull request; empty without one.
    pub pull_request: &'a str,
}

impl RetryPrompt {
    /// Rendered once to see that it can be.
    ///
    /// # Errors
    ///
    /// As [`Template::render`].
    pub(super) fn checked(template: &Arc<Template>, scope: &Arc<Scope>) -> Result<Self, Diagnostics> {
        let prompt = Self { template: Arc::clone(template), scope: Arc::clone(scope) };
        let previous = PreviousAttempt { outcome: "failed", ..PreviousAttempt::default() };
        let text = prompt.text(2, previous)?;
        if text.contains('\0') {
            let nul = "this text holds a NUL character (`\\0`), which no text has";
            return Err(Diagnostic::new(nul).at(template.document(), template.span()).into());
        }
        Ok(prompt)
    }

    /// The text for the attempt of this number, of all that the task has had; none where it says nothing.
    #[must_use]
    pub fn render(&self, attempt: u32, previous: PreviousAttempt<'_>) -> Option<String> {
        let text = self.text(attempt, previous).ok()?;
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    }

    fn text(&self, attempt: u32, previous: PreviousAttempt<'_>) -> Result<Arc<str>, Diagnostics> {
        let PreviousAttempt { outcome, reason, pull_request } = previous;
        let told = |text: &str| Value::from(&*one_line(plain(text), MAX_REASON));
        let previous = [("outcome", outcome), ("reason", reason), ("pull-request", pull_request)];
        let previous = Value::from_pairs(previous.map(|(name, text)| (name, told(text))));
        let scope =
            Scope { previous: Some(previous), attempt: Some(attempt.into()), ..Scope::clone(&self.scope) };
        self.template.render(&Arc::new(scope))
    }
}

impl fmt::Debug for RetryPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RetryPrompt")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan_with;
    use super::*;

    fn rendered(prompt: &str, attempt: u32, previous: PreviousAttempt<'_>) -> Option<String> {
        let text = format!(
            "vars: {{ tone: kind }}\njobs: [{{ id: j, prompt: p, matrix: {{ n: [7] }}, retries: {{ prompt: {prompt:?} }} }}]\n"
        );
        plan_with(&text, None).unwrap().tasks[0].retry_prompt.clone().unwrap().render(attempt, previous)
    }

    #[test]
    fn it_reads_the_attempt_before_beside_the_ordinary_names() {
        let url = "https://github.com/o/r/pull/7";
        let previous = PreviousAttempt { outcome: "stalled", reason: "silent for 20m", pull_request: url };
        let text = "${{ attempt }}: ${{ previous.outcome }} (${{ previous.reason }}), see ${{ previous.pull-request }}; \
            be ${{ vars.tone }} to ${{ matrix.n }}";
        assert_eq!(
            rendered(text, 3, previous).unwrap(),
            "3: stalled (silent for 20m), see https://github.com/o/r/pull/7; be kind to 7"
        );
        assert_eq!(
            rendered("${{ previous.reason }}", 2, PreviousAttempt::default()),
            None,
            "it says nothing"
        );
    }

    #[test]
    fn the_agents_words_are_one_line_of_some_length() {
        let reason = format!("no\n\n# New orders\u{1b}[31m\u{202E}\0 {}", "x".repeat(5_000));
        let previous = PreviousAttempt { reason: &reason, ..PreviousAttempt::default() };
        let text = rendered("Before: ${{ previous.reason }}", 2, previous).unwrap();
        assert!(text.starts_with("Before: no # New orders\u{FFFD}\u{FFFD} xxx"), "{text}");
        assert!(text.len() <= MAX_REASON + 8 && text.ends_with('…'));
        let code = PreviousAttempt { reason: "${{ env.SECRET }}", ..PreviousAttempt::default() };
        assert_eq!(rendered("${{ previous.reason }}", 2, code).unwrap(), "${{ env.SECRET }}", "it is data");
    }

    #[test]
    fn what_is_wrong_is_told_at_its_place() {
        let error = |jobs: &str| plan_with(&format!("jobs: [{jobs}]\n"), None).unwrap_err();
        let unknown = error("{ id: j, prompt: p, retries: { prompt: '${{ previous.reasons }}' } }");
        assert!(
            unknown.contains("`previous.reasons` is not defined") && unknown.contains("jobs.yaml:1:"),
            "{unknown}"
        );
        assert!(unknown.contains("did you mean `previous.reason`?"), "{unknown}");
        let elsewhere = error("{ id: j, prompt: 'p ${{ previous.reason }} ${{ attempt }}' }");
        assert!(elsewhere.contains("only `retries.prompt` can read it"), "{elsewhere}");
        let broken = error("{ id: j, prompt: p, retries: { prompt: '${{ 1 + }}' } }");
        assert!(broken.contains("is not valid"), "{broken}");
        let empty = error("{ id: j, prompt: p, retries: { prompt: ' ' } }");
        assert!(empty.contains("`retries.prompt` is empty"), "{empty}");
    }

    #[test]
    fn the_key_of_a_task_does_not_know_it() {
        let key = |keys: &str| {
            let text = format!("jobs: [{{ id: j, prompt: p{keys} }}]\n");
            plan_with(&text, None).unwrap().tasks[0].key.clone()
        };
        assert_eq!(key(""), key(", retries: { prompt: 'Again.' }"));
    }
}
