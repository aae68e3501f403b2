//! Where messages go: addresses and tokens are secrets, which the environment alone has.

use jules::Secret;
use url::{Host, Url};

use super::super::credentials;
use crate::plan::{Notify, NotifyOn, Webhook, WebhookKind};
use crate::report::Sink;
use foreign_text::Word;

/// Characters from which on a part of a chat's address is looked for as a secret.
const SECRET: usize = 16;

/// A webhook with its address.
#[derive(Clone)]
pub(in crate::runner) struct Endpoint {
    kind: WebhookKind,
    /// The variable that has its address: what it is called where people read of it.
    name: String,
    pub(super) url: Url,
    pub(super) token: Option<Secret>,
    pub(super) on: Vec<NotifyOn>,
}

/// Those of a manifest.
#[derive(Default)]
pub(in crate::runner) struct Endpoints {
    pub(in crate::runner) usable: Vec<Endpoint>,
    /// What must not stand in a report.
    pub(in crate::runner) secrets: Vec<Word>,
    /// Why others are told nothing.
    pub(in crate::runner) notes: Vec<String>,
}

/// Reads the variables that the manifest names, and no others. A simulated run tells nobody but this machine.
pub(in crate::runner) fn endpoints(
    notify: &Notify,
    simulated: bool,
    variable: impl Fn(&str) -> Option<String>,
) -> Endpoints {
    let mut found = Endpoints::default();
    for webhook in &notify.webhooks {
        match Endpoint::read(webhook, &variable) {
            Ok(endpoint) => {
                found.secrets.extend(endpoint.secrets());
                match simulated && !is_here(&endpoint.url) {
                    true => found.notes.push(format!(
                        "`notify`: a simulated run tells only what listens on this machine, and not {}",
                        endpoint.told()
                    )),
                    false => found.usable.push(endpoint),
                }
            }
            // It is tried out before it is set up.
            Err(unusable) if unusable.is_unset && simulated => {}
            Err(unusable) => {
                let to = webhook.to.as_str();
                found.notes.push(format!("`notify`: {to} is told nothing: {unusable}"));
            }
        }
    }
    found
}

/// A webhook that can be told nothing: what is wrong, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unusable {
    why: String,
    help: String,
    /// Whether a variable is not set, which is so for as long as nobody has set anything up.
    is_unset: bool,
}

impl Unusable {
    fn unset(name: &str, help: impl Into<String>) -> Self {
        Self { why: format!("`{name}` is not set"), help: help.into(), is_unset: true }
    }

    fn wrong(why: String, help: &str) -> Self {
        Self { why, help: help.to_owned(), is_unset: false }
    }

    /// What to do.
    pub(crate) fn help(&self) -> &str {
        &self.help
    }
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

/// Whether each webhook of a manifest can be told, by the variables that it names, for whoever asks before a run: what it is
/// called, and what is wrong. Nothing is sent.
pub(crate) fn webhooks(
    notify: &Notify,
    variable: impl Fn(&str) -> Option<String>,
) -> Vec<(String, Result<(), Unusable>)> {
    let told = |webhook: &Webhook| {
        let name = told(webhook.to, &webhook.url_env);
        (name, Endpoint::read(webhook, &variable).map(|_| ()))
    };
    notify.webhooks.iter().map(told).collect()
}

/// What a webhook is called where people read of it: its address is a secret.
fn told(to: WebhookKind, url_env: &str) -> String {
    format!("{} (`{url_env}`)", to.as_str())
}

impl Endpoint {
    fn read(webhook: &Webhook, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Unusable> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let name = &webhook.url_env;
        let whole = "set it to the webhook's whole address, which begins with https://";
        let address = set(name).ok_or_else(|| Unusable::unset(name, whole))?;
        let no_address = |_| Unusable::wrong(format!("`{name}` holds no address"), whole);
        let url = Url::parse(address.trim()).map_err(no_address)?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_here(&url)) {
            let why = format!("the address in `{name}` is not https; http is for this machine alone");
            return Err(Unusable::wrong(why, whole));
        }
        let token = match &webhook.token_env {
            Some(name) => {
                let help = "set it to the token that the webhook takes, or leave `token-env` out";
                let text = set(name).ok_or_else(|| Unusable::unset(name, help))?;
                let malformed = |error| Unusable::wrong(format!("`{name}`: {error}"), help);
                Some(Secret::new(&text).map_err(malformed)?)
            }
            None => None,
        };
        Ok(Self { kind: webhook.to, name: name.clone(), url, token, on: webhook.on.clone() })
    }

    /// What it is called where people read of it: its address is a secret.
    pub(super) fn told(&self) -> String {
        told(self.kind, &self.name)
    }

    pub(super) const fn sink(&self) -> Sink {
        match self.kind {
            WebhookKind::Slack => Sink::Slack,
            WebhookKind::Teams => Sink::Teams,
            WebhookKind::Discord => Sink::Discord,
            WebhookKind::Json => Sink::Json,
        }
    }

    /// Whoever has a chat's address can write there: the long parts of its path are what nobody can guess. A program's may
    /// be made of words.
    fn secrets(&self) -> Vec<Word> {
        let token = self.token.iter().flat_map(|token| token.words().iter().cloned());
        let parts = self.url.path_segments().into_iter().flatten().filter(|_| self.kind != WebhookKind::Json);
        let parts = parts.filter(|part| part.len() >= SECRET).filter_map(credentials::password);
        token.chain(credentials::of(self.url.as_str())).chain(parts).collect()
    }
}

/// Whether it is on this machine.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLACK: &str = "https://hooks.slack.com/services/T0000/B0000/abcdefghijklmnopqrstuvwx";

    fn of(webhooks: &[(WebhookKind, &str, Option<&str>)], simulated: bool) -> Endpoints {
        let webhooks = webhooks.iter().map(|(to, url_env, token_env)| Webhook {
            to: *to,
            url_env: (*url_env).to_owned(),
            token_env: token_env.map(str::to_owned),
            on: NotifyOn::ALL.to_vec(),
        });
        let notify = Notify { webhooks: webhooks.collect(), ..Notify::default() };
        endpoints(&notify, simulated, |name| {
            let value = match name {
                "SLACK" => SLACK,
                "HERE" => "http://127.0.0.1:8/x",
                "PLAIN" => "http://chat.example/x",
                "WORDS" => "my webhook",
                "TOKEN" => "token-of-a-program",
                "EMPTY" => " ",
                _ => return None,
            };
            Some(value.to_owned())
        })
    }

    #[test]
    fn an_address_is_read_from_its_variable_and_is_a_secret() {
        let found =
            of(&[(WebhookKind::Slack, "SLACK", None), (WebhookKind::Json, "HERE", Some("TOKEN"))], false);
        assert!(found.notes.is_empty(), "{:?}", found.notes);
        assert_eq!(found.usable[0].url.as_str(), SLACK);
        let secrets = foreign_text::Secrets::new(found.secrets);
        assert_eq!(secrets.mask(SLACK), "https://hooks.slack.com/services/T0000/B0000/***");
        assert_eq!(secrets.mask("Bearer token-of-a-program"), "Bearer ***");
        assert_eq!(found.usable[0].told(), "slack (`SLACK`)");
    }

    #[test]
    fn whoever_cannot_be_told_is_named_without_an_address() {
        let cases = [
            (WebhookKind::Slack, "NOT_SET", None, "slack is told nothing: `NOT_SET` is not set"),
            (WebhookKind::Teams, "EMPTY", None, "teams is told nothing: `EMPTY` is not set"),
            (
                WebhookKind::Json,
                "PLAIN",
                None,
                "json is told nothing: the address in `PLAIN` is not https; http is for this machine alone",
            ),
            (WebhookKind::Json, "WORDS", None, "json is told nothing: `WORDS` holds no address"),
            (WebhookKind::Json, "HERE", Some("NOT_SET"), "json is told nothing: `NOT_SET` is not set"),
        ];
        for (to, url, token, note) in cases {
            let found = of(&[(to, url, token)], false);
            assert_eq!(found.notes, [format!("`notify`: {note}")]);
            assert!(found.usable.is_empty());
        }
    }

    #[test]
    fn whoever_asks_before_a_run_is_told_the_way_out_and_no_address() {
        let webhook = |url_env: &str, token_env: Option<&str>| Webhook {
            to: WebhookKind::Slack,
            url_env: url_env.to_owned(),
            token_env: token_env.map(str::to_owned),
            on: NotifyOn::ALL.to_vec(),
        };
        let all = vec![webhook("GOOD", None), webhook("WORDS", None), webhook("GOOD", Some("TOKEN"))];
        let notify = Notify { webhooks: all, ..Notify::default() };
        let found = webhooks(&notify, |name| match name {
            "GOOD" => Some(SLACK.to_owned()),
            "WORDS" => Some("my secret webhook".to_owned()),
            _ => None,
        });
        let told: Vec<_> = found
            .iter()
            .map(|(name, found)| match found {
                Ok(()) => format!("{name}: good"),
                Err(unusable) => format!("{name}: {unusable}; {}", unusable.help()),
            })
            .collect();
        assert_eq!(
            told,
            [
                "slack (`GOOD`): good",
                "slack (`WORDS`): `WORDS` holds no address; set it to the webhook's whole address, which begins with \
                 https://",
                "slack (`GOOD`): `TOKEN` is not set; set it to the token that the webhook takes, or leave `token-env` out",
            ]
        );
    }

    #[test]
    fn a_simulated_run_tells_only_this_machine() {
        let all = [
            (WebhookKind::Slack, "SLACK", None),
            (WebhookKind::Slack, "HERE", None),
            (WebhookKind::Slack, "NOT_SET", None),
        ];
        let found = of(&all, true);
        assert_eq!(found.usable.len(), 1);
        assert!(is_here(&found.usable[0].url));
        assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
        assert!(found.notes[0].ends_with("and not slack (`SLACK`)"), "{:?}", found.notes);
    }
}
