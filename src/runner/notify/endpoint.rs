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
            Err(None) if simulated => {}
            Err(why) => {
                let why = why.unwrap_or_else(|| format!("`{}` is not set", webhook.url_env));
                let to = webhook.to.as_str();
                found.notes.push(format!("`notify`: {to} is told nothing: {why}"));
            }
        }
    }
    found
}

impl Endpoint {
    /// Without an error's words if its variable is not set.
    fn read(webhook: &Webhook, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Option<String>> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let name = &webhook.url_env;
        let address = set(name).ok_or(None)?;
        let url = Url::parse(address.trim()).map_err(|_| Some(format!("`{name}` holds no address")))?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_here(&url)) {
            return Err(Some(format!(
                "the address in `{name}` is not https; http is for this machine alone"
            )));
        }
        let token = match &webhook.token_env {
            Some(name) => {
                let text = set(name).ok_or_else(|| Some(format!("`{name}` is not set")))?;
                Some(Secret::new(&text).map_err(|error| Some(format!("`{name}`: {error}")))?)
            }
            None => None,
        };
        Ok(Self { kind: webhook.to, name: name.clone(), url, token, on: webhook.on.clone() })
    }

    /// What it is called where people read of it: its address is a secret.
    pub(super) fn told(&self) -> String {
        format!("{} (`{}`)", self.kind.as_str(), self.name)
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
