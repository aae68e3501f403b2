//! `notify`: who is told of a run, by which webhook, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diagnostic::{Diagnostic, quoted};
use super::located::Located;
use super::setting::Limit::{AtLeast, AtMost};
use super::setting::{Limit, Setting, Wrong, settings};
use super::vars::is_name;

settings! {
    /// `notify`: who is told of a run.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Notify, written NotifyKeys {
        /// Where messages go: `{ to: slack, url-env: SLACK_WEBHOOK, on: [end, first-failure, needs-human] }` for each, and
        /// `token-env` where a program wants one; none by default.
        webhooks: Vec<Webhook>;
        /// Messages to one webhook an hour, evenly spread: what happens between two of them is told together. The one at the end
        /// comes in any case.
        max_per_hour: u32 = 6, AtLeast(1), AtMost(60);
    }
}

/// A webhook. Its address and its token are secrets: a manifest has only the names of the variables that hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Who takes the message.
    pub to: WebhookKind,
    /// The variable that holds its address.
    pub url_env: String,
    /// The variable that holds a bearer token, for `json` alone; none by default.
    pub token_env: Option<String>,
    /// What is worth a message; all of it by default.
    pub on: Vec<NotifyOn>,
}

/// Who takes a webhook's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookKind {
    /// An incoming webhook of Slack.
    Slack,
    /// A workflow of Teams that takes an adaptive card.
    Teams,
    /// A webhook of Discord.
    Discord,
    /// A program: a plain JSON object.
    Json,
}

impl WebhookKind {
    /// Its name in a manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Discord => "discord",
            Self::Json => "json",
        }
    }
}

/// What is worth a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotifyOn {
    /// An invocation has ended that had something to do.
    End,
    /// The first task of an invocation has failed.
    FirstFailure,
    /// A session waits for a person: with a question, or for the approval of its plan.
    NeedsHuman,
}

impl NotifyOn {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::End, Self::FirstFailure, Self::NeedsHuman];
}

/// An entry of `notify.webhooks` as written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct WebhookKeys {
    /// Who takes the message: `slack`, `teams`, `discord`, or `json` for a program.
    pub(crate) to: WebhookKind,
    /// The environment variable that holds its address: https, or http on this machine.
    #[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"), length(max = 100))]
    pub(crate) url_env: Located<String>,
    /// The environment variable that holds a bearer token; for `json` alone.
    #[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"), length(max = 100))]
    pub(crate) token_env: Option<Located<String>>,
    /// What is worth a message: `end` (an invocation has ended), `first-failure` (the first task of an invocation has failed),
    /// `needs-human` (a session waits with a question or for an approval).
    #[schemars(extend("default" = ["end", "first-failure", "needs-human"]))]
    pub(crate) on: Option<Located<Vec<NotifyOn>>>,
}

impl Setting for Vec<Webhook> {
    type Written = Vec<Located<WebhookKeys>>;

    fn meant(written: Located<Self::Written>) -> Self {
        let webhook = |Located { value, .. }: Located<WebhookKeys>| Webhook {
            to: value.to,
            url_env: value.url_env.value,
            token_env: value.token_env.map(|name| name.value),
            on: value.on.map_or_else(|| NotifyOn::ALL.to_vec(), |on| on.value),
        };
        written.value.into_iter().map(webhook).collect()
    }

    fn check(written: &Located<Self::Written>, key: &str, _: &[Limit], wrong: &mut Wrong<'_>) {
        for Located { value, span } in &written.value {
            check_name(&value.url_env, &format!("{key}.url-env"), wrong);
            if let Some(token) = &value.token_env {
                check_name(token, &format!("{key}.token-env"), wrong);
                if value.to != WebhookKind::Json {
                    let finding = Diagnostic::new(format!("{} takes no token", quoted(value.to.as_str())));
                    wrong(finding.help("remove `token-env`: its address is the secret"), token.span);
                }
            }
            if value.on.as_ref().is_some_and(|on| on.value.is_empty()) {
                let finding = Diagnostic::new(format!("`{key}.on` is empty: nothing would be sent"));
                wrong(finding.help("name what is worth a message: `on: [end]`"), *span);
            }
        }
    }
}

/// Whoever writes an address or a token here has it in the manifest, and soon in a repository: it is not repeated.
fn check_name(name: &Located<String>, key: &str, wrong: &mut Wrong<'_>) {
    let help = if is_name(name) {
        return;
    } else if name.starts_with('$') {
        "write the variable's name alone, such as `SLACK_WEBHOOK`"
    } else {
        "write `SLACK_WEBHOOK`, for instance, and put the address or token into that variable: it is a secret"
    };
    wrong(
        Diagnostic::new(format!("`{key}` is not the name of an environment variable")).help(help),
        name.span,
    );
}
