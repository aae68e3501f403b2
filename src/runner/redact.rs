//! Keeps secrets out of the ledger, the reports and what is printed: a proxy, the agent, or whoever talks it into it, may
//! repeat them.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;

use foreign_text::{Lines, Secrets, Word};
use jules::{ApiKey, Secret, SessionState};
use serde::Deserialize as _;
use serde_json::Value;

use super::credentials::{self, password};
use crate::outcome::{Checks, EventKind, Review, RunEvent};

/// The longest words of others that an event keeps, in bytes.
const WORDS: usize = 64 * 1024;

/// What of an event is one of our own words.
const FORM: [&str; 2] = ["event", "outcome"];

/// What of an event people, agents and services have said; the rest are names, addresses and the like.
const SAID: [&str; 8] = ["reason", "cause", "note", "activity", "title", "service", "details", "diff"];

/// The variables that hold a service's token.
const TOKENS: [&str; 7] = [
    "JULES_BATCH_GITHUB_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
];

/// The variable that holds a database's password.
const PASSWORD: &str = "PGPASSWORD";

/// The variables that may hold a proxy's address, also without a scheme. An address with one is seen in every variable.
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Takes secrets out of text: the API key, tokens, and the passwords of addresses in the environment. `***` stands in
/// their place.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Arc<Secrets>,
    /// Those of them that nothing else is like.
    tokens: Arc<Secrets>,
}

impl Redactor {
    /// For the key, and for what the environment holds: GitHub's tokens, a database's password, and what is secret in every
    /// address in it, such as a proxy's: passwords, tokens in the place of a user name, parameters such as `access_token`.
    #[must_use]
    pub fn new(key: Option<&ApiKey>) -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let found = of_environment(variables);
        let tokens: Vec<Word> =
            key.into_iter().flat_map(ApiKey::words).cloned().chain(found.tokens).collect();
        let secrets = Secrets::new(tokens.iter().cloned().chain(found.passwords));
        Self { secrets: Arc::new(secrets), tokens: Arc::new(Secrets::new(tokens)) }
    }

    /// The same for another key as well.
    #[must_use]
    pub fn with_key(self, key: &ApiKey) -> Self {
        self.with(key.words())
    }

    /// The same for a token as well, such as one for GitHub that was read from a file.
    #[must_use]
    pub fn with_token(self, token: &Secret) -> Self {
        self.with(token.words())
    }

    /// The same for these as well.
    pub(super) fn with_words(self, words: &[Word]) -> Self {
        self.with(words)
    }

    fn with(self, words: &[Word]) -> Self {
        if words.iter().all(|word| self.tokens().contains(word)) {
            return self;
        }
        let with = |secrets: &Secrets| Arc::new(secrets.and(words.iter().cloned()));
        Self { secrets: with(&self.secrets), tokens: with(&self.tokens) }
    }

    /// The keys and tokens, which answers are read without: escape sequences may take letters of them along later on. No
    /// passwords, as people make them of words, such as repositories and branches may have as names.
    pub(crate) fn tokens(&self) -> &[Word] {
        self.tokens.words()
    }

    /// The text without secrets. What is lent had none.
    #[must_use]
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.secrets.mask(text)
    }

    /// The same for everything that `write` writes. It is searched in parts, which end where a line ends with one of these
    /// bytes: no secret may go on behind it.
    pub(super) fn cleaning<E: From<io::Error>>(
        &self,
        out: &mut dyn Write,
        ends: &'static [u8],
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut lines = Lines::new(out, ends, |text| self.clean(text));
        write(&mut lines)?;
        Ok(lines.finish()?)
    }
}

/// What the environment holds.
#[derive(Default)]
struct Found {
    tokens: Vec<Word>,
    passwords: Vec<Word>,
}

/// The secrets in these variables.
fn of_environment(variables: impl Iterator<Item = (String, String)>) -> Found {
    let mut found = Found::default();
    for (name, value) in variables {
        match Secret::new(&value) {
            Ok(token) if TOKENS.contains(&&*name) => found.tokens.extend_from_slice(token.words()),
            _ if TOKENS.contains(&&*name) || name == PASSWORD => {
                found.passwords.extend(password(value.trim()));
            }
            _ => {}
        }
        let of = if PROXIES.contains(&&*name) { credentials::of_proxy } else { credentials::of };
        found.passwords.extend(of(&value));
    }
    found
}

/// The event with `***` where a secret was, and with no words of others that are longer than [`WORDS`]: it is kept in the
/// ledger, and written again with every report. A password is looked for in what others say alone: a task that is called
/// like one would be another task afterwards, and be done again.
pub(super) fn clean(redactor: &Redactor, event: RunEvent) -> RunEvent {
    let json = serde_json::to_string(&event).unwrap_or_default();
    let is_long = json.len() > WORDS && !is_ours(&event.kind);
    if !is_long && matches!(redactor.clean(&json), Cow::Borrowed(_)) {
        return event;
    }
    let tokens = &redactor.tokens;
    let without_tokens = serde_json::from_str::<RunEvent>(&tokens.mask(&json));
    // Where a token looks like a part of the event's form, that stays as it is, and its words are searched one by one.
    let is_form = without_tokens.is_err();
    let before = serde_json::to_value(without_tokens.as_ref().unwrap_or(&event)).unwrap_or_default();
    let mut after = before.clone();
    each_text(&mut after, false, &|text, is_said| {
        let text = if is_form { tokens.mask(&text).into_owned() } else { text };
        let text = if is_said { redactor.clean(&text).into_owned() } else { text };
        if is_long { foreign_text::cut(text, WORDS).into_owned() } else { text }
    });
    readable(before, after).unwrap_or(event)
}

/// The changed event; where it could not be read back, only what is no part of its form is changed.
fn readable(mut before: Value, mut after: Value) -> Option<RunEvent> {
    if let Ok(event) = serde_json::from_value(after.clone()) {
        return Some(event);
    }
    for at in 0..texts(&mut after).len() {
        let changed = std::mem::take(texts(&mut after)[at]);
        let kept = std::mem::replace(texts(&mut before)[at], changed);
        if serde_json::from_value::<RunEvent>(before.clone()).is_err() {
            *texts(&mut before)[at] = kept;
        }
    }
    serde_json::from_value(before).ok()
}

fn texts(value: &mut Value) -> Vec<&mut String> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter_mut().flat_map(texts).collect(),
        Value::Object(map) => map.values_mut().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// Whether all words in it are those of the manifest.
fn is_ours(kind: &EventKind) -> bool {
    matches!(kind, EventKind::RunStarted { .. } | EventKind::TaskPlanned { .. })
}

/// Changes every text but those of the form; also told is whether somebody has said it.
fn each_text(value: &mut Value, is_said: bool, change: &impl Fn(String, bool) -> String) {
    match value {
        Value::String(text) => *text = change(std::mem::take(text), is_said),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, is_said, change)),
        Value::Object(map) => {
            let texts = map.iter_mut().filter(|(key, _)| !FORM.contains(&key.as_str()));
            texts.for_each(|(key, value)| each_text(value, is_said || says(key, value), change));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether that is what somebody has said: also a word of a service where we know all words but this.
fn says(key: &str, value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    match key {
        "state" => matches!(SessionState::from(text), SessionState::Unknown(_)),
        "checks" => matches!(Checks::deserialize(value), Ok(Checks::Other(_))),
        "review" => matches!(Review::deserialize(value), Ok(Review::Other(_))),
        _ => SAID.contains(&key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Details, FileTouched, Outcome, sample};
    use crate::plan::TaskId;

    fn of(words: impl IntoIterator<Item = Word>) -> Redactor {
        Redactor { secrets: Arc::new(Secrets::new(words)), tokens: Arc::default() }
    }

    fn redactor() -> Redactor {
        Redactor::default().with_key(&ApiKey::new("AIza-secret-key").unwrap())
    }

    #[test]
    fn no_event_repeats_a_key() {
        let plain = sample::event(1, sample::intent("task-0", 1));
        assert_eq!(clean(&redactor(), plain.clone()), plain);
        let leak =
            sample::ended("task-0", Outcome::Failed, Some("your \n\"key\" is AIza-\u{1B}[1msecret-key"));
        let cleaned = sample::ended("task-0", Outcome::Failed, Some("your \n\"key\" is ***"));
        assert_eq!(clean(&redactor(), sample::event(2, leak)), sample::event(2, cleaned));
    }

    #[test]
    fn a_secret_that_is_one_of_our_words_is_taken_out_of_the_words_of_others() {
        let redactor = of(["task_ended", "succeeded"].map(Word::whole));
        let event = |why| sample::event(1, sample::ended("task-0", Outcome::Succeeded, Some(why)));
        assert_eq!(clean(&redactor, event("task_ended, and succeeded!")), event("***, and ***!"));
    }

    #[test]
    fn what_a_session_has_said_and_done_is_searched_in_every_part() {
        let event = |said: &str| {
            let file =
                FileTouched { path: said.to_owned(), change: "added".to_owned(), additions: 1, deletions: 0 };
            let details = Details {
                last_words: Some(format!("It is {said}.")),
                plan: vec![format!("Use {said}")],
                files: vec![file],
                ..Details::default()
            };
            let (task, details) = (TaskId::new("task-0"), Arc::new(details));
            let diff = Some(format!("+password = {said}\n"));
            sample::event(1, EventKind::SessionDetails { task, attempt: 1, details, diff })
        };
        assert_eq!(clean(&of([Word::whole("hunter22")]), event("hunter22")), event("***"));
    }

    #[test]
    fn a_task_that_is_called_like_a_password_keeps_its_name() {
        let redactor = of([Word::whole("postgres")]).with_key(&ApiKey::new("AIza-secret-key").unwrap());
        let ended = |task: &str, why| sample::event(1, sample::ended(task, Outcome::Failed, Some(why)));
        let cleaned = clean(&redactor, ended("migrate-postgres", "postgres has AIza-secret-key"));
        assert_eq!(cleaned, ended("migrate-postgres", "*** has ***"));
        assert_eq!(clean(&redactor, ended("x-AIza-secret-key", "no")), ended("x-***", "no"));
    }

    #[test]
    fn a_word_of_a_service_that_we_do_not_know_is_what_somebody_says() {
        let state = |state: &str| {
            let (task, attempt) = (TaskId::new("task-0"), 1);
            let kind =
                EventKind::SessionState { task, attempt, state: state.to_owned(), detected_after_ms: None };
            sample::event(1, kind)
        };
        let redactor = of(["COMPLETED", "correct horse", "NAPPING-AT-WORK"].map(Word::whole));
        for (word, left) in [
            ("COMPLETED", "COMPLETED"),
            ("NAPPING-AT-WORK", "***"),
            ("a correct horse", "a ***"),
            ("IN_PROGRESS", "IN_PROGRESS"),
        ] {
            assert_eq!(clean(&redactor, state(word)), state(left));
        }
    }

    #[test]
    fn what_has_to_be_read_back_stays_and_the_rest_goes() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        let usage = |error: &str| {
            let outage = crate::outcome::Outage {
                requests: vec!["reads".to_owned()],
                since: at("2026-11-28T02:00:00Z"),
                last_failure: None,
                error: error.to_owned(),
                next_try: None,
            };
            let service = crate::outcome::ServiceStatus { outage: Some(outage), ..Default::default() };
            sample::event(1, EventKind::ApiUsed { usage: Default::default(), service })
        };
        let redactor = of([Word::whole("2026-11-28")]);
        assert_eq!(clean(&redactor, usage("no, 2026-11-28 it is")), usage("no, *** it is"));
    }

    #[test]
    fn an_event_keeps_no_more_words_than_fit() {
        let long = format!("first{}last", "x".repeat(20 << 20));
        let event = sample::event(1, sample::ended("task-0", Outcome::Failed, Some(&long)));
        let json = serde_json::to_string(&clean(&redactor(), event)).unwrap();
        assert!(json.len() < 2 * WORDS && json.contains("bytes left out"));
        assert!(json.contains("first") && json.contains("last"));
    }

    #[test]
    fn what_is_written_in_parts_is_searched_as_a_whole() {
        let redactor = redactor();
        let page = format!("{}\nAIza-secret-key\n", "x".repeat(100)).repeat(2_000);
        let mut out = Vec::new();
        let written = redactor.cleaning(&mut out, b"x", |out| {
            page.as_bytes().chunks(7).try_for_each(|part| out.write_all(part))
        });
        written.unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), page.replace("AIza-secret-key", "***"));
    }

    /// What others wrote has line breaks, and a part may end at any of them.
    #[test]
    fn a_secret_on_two_lines_is_found_wherever_the_text_is_cut() {
        let redactor = redactor();
        let line = format!("<p>{}</p>\n", "x".repeat(93));
        let leak = "<pre>AIza-secret\n-key</pre>\n";
        // Every place around the end of a part.
        for before in 0..line.len() {
            let page = "x".repeat(before) + &line.repeat(648) + leak + &line.repeat(700);
            for size in [7, usize::MAX] {
                let mut out = Vec::new();
                let written = redactor.cleaning(&mut out, b">", |out| {
                    page.as_bytes().chunks(size).try_for_each(|part| out.write_all(part))
                });
                written.unwrap();
                let out = String::from_utf8(out).unwrap();
                assert_eq!(out, page.replace("AIza-secret\n-key", "***"), "{before}, {size}");
            }
        }
    }

    #[test]
    fn tokens_and_passwords_of_the_environment_are_secrets() {
        let variables = [
            ("GITHUB_TOKEN", "ghs_0123456789abcdefghijklmnopqrstuvwxyz"),
            ("PGPASSWORD", "correct horse"),
            ("JULES_BATCH_STATE", "postgres://runner:pass%2Fword-1@db.example/jobs"),
            ("GH_TOKEN", "short"),
            ("HOME", "/home/me"),
            ("EDITOR", "correct horse battery"),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let found = of_environment(variables);
        let redactor = of(found.tokens.into_iter().chain(found.passwords));
        for leak in [
            "ghs_0123456789abcdefghijklmnopqrstuvwxyz",
            "ghs_0123456789ab",
            "56789abcdefg",
            "correct horse",
            "pass/word-1",
            "pass%2Fword-1",
        ] {
            assert_eq!(redactor.clean(&format!("<{leak}>")), "<***>", "{leak}");
        }
        for kept in ["ghs_ is how they begin", "short", "/home/me", "correct", "ghs_012"] {
            assert_eq!(redactor.clean(kept), kept);
        }
        assert_eq!(
            redactor.with_token(&Secret::new("read-from-a-file\n").unwrap()).clean("read-from-a-file!"),
            "***!"
        );
    }
}
