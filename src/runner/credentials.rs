//! What the addresses in a text hold that is nobody's business, such as `postgres://me:password@host/jobs?sslpassword=x`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use foreign_text::Word;
use url::form_urlencoded;

/// A password shorter than this would tear words apart.
const SHORTEST: usize = 8;
/// A part of a password that counts as the password: people make them of words.
const PART: usize = 16;

/// Schemes where a user name may be a token. Elsewhere it is the name of a user, such as `git`.
const WEB: [&str; 6] = ["http", "https", "git+http", "git+https", "ws", "wss"];

/// What stands beside a token in the place of a name or a password.
const PLACEHOLDERS: [&str; 8] = [
    "x-access-token",
    "x-oauth-basic",
    "x-token-auth",
    "gitlab-ci-token",
    "oauth2accesstoken",
    "__token__",
    "_json_key",
    "anonymous",
];

/// How the names of parameters end whose values are secrets, in small letters and digits alone.
const SECRET_NAMES: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "token",
    "secret",
    "apikey",
    "accesskey",
    "accountkey",
    "signature",
    "credential",
];
/// The same for names that are no end of others.
const SHORT_NAMES: [&str; 5] = ["pass", "pw", "key", "auth", "sig"];

/// The text as something to look for, if it is long enough: as a whole, or by a long part of it.
pub(super) fn password(text: &str) -> Option<Word> {
    (text.len() >= SHORTEST).then(|| Word::whole(text).or_part(PART))
}

/// Everything secret in a text with any number of addresses. How it is encoded does not matter: it is searched for by decoding.
pub(super) fn of(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let scheme = text[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && !"+.-".contains(c)).next();
        let is_web = scheme.is_some_and(|scheme| WEB.contains(&&*scheme.to_ascii_lowercase()));
        found.extend(of_authority(&text[at + 3..], is_web));
    }
    if text.contains("://") || is_connection(text) {
        found.extend(of_parameters(text));
    }
    found
}

/// The same of a proxy's address, which may lack its scheme.
pub(super) fn of_proxy(text: &str) -> Vec<Word> {
    if text.contains("://") { of(text) } else { of_authority(text, true) }
}

/// Whether these are a database's parameters, with blanks or semicolons between them.
fn is_connection(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["host=", "server=", "endpoint=", "accountname="].iter().any(|name| text.contains(name))
}

/// User names and passwords before the hosts at the start of the text.
fn of_authority(text: &str, is_web: bool) -> Vec<Word> {
    let ends = |c: char| c.is_whitespace() || c.is_control() || "/?#\"'<>`".contains(c);
    let authority = text.split(ends).next().unwrap_or_default();
    let users = authority.rsplit_once('@').map(|(user, _)| user);
    // Several hosts may have a user each; a password may have these signs as well.
    let each = authority.split([',', ';', '|']).filter_map(|host| Some(host.rsplit_once('@')?.0));
    users.into_iter().chain(each).flat_map(|user| of_user(user, is_web)).collect()
}

/// `name`, `name:password`.
fn of_user(user: &str, is_web: bool) -> Vec<Word> {
    let (name, secret) = user.split_once(':').unwrap_or((user, ""));
    let mut found = Vec::new();
    if !secret.is_empty() {
        let sent = STANDARD.encode(percent_decoded(user));
        found.extend(spelled(secret));
        found.extend(password(&sent));
        found.push(Word::whole(format!("{user}@")).or_part(PART));
    }
    let is_placeholder = |text: &str| PLACEHOLDERS.contains(&&*text.to_ascii_lowercase());
    let is_alone = secret.len() < SHORTEST || is_placeholder(secret);
    if is_web && !is_placeholder(name) && (is_alone || name.len() >= PART) {
        found.extend(spelled(name));
    }
    found
}

/// The values of parameters that are called like secrets, wherever they stand.
fn of_parameters(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('=') {
        let name = text[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && !"_-.[]% ".contains(c)).next();
        if !name.is_some_and(is_secret_name) {
            continue;
        }
        let ends = |c: char| c.is_whitespace() || c.is_control() || "&;#\"'<>`|".contains(c);
        let value = text[at + 1..].trim_start_matches(['\'', '"']).split(ends).next().unwrap_or_default();
        // Where there is another address behind it.
        for value in [value, value.split(',').next().unwrap_or_default()] {
            found.extend(spelled(value));
            found.extend(password(&form_decoded(value)));
            if !value.is_empty() {
                let name = name.unwrap_or_default().rsplit(' ').next().unwrap_or_default();
                found.push(Word::whole(format!("{name}={value}")));
            }
        }
    }
    found
}

fn is_secret_name(name: &str) -> bool {
    let name = name.rsplit(' ').next().unwrap_or_default();
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = letters.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|end| letters.trim_end_matches('s').ends_with(end))
        || SHORT_NAMES.contains(&&*letters)
}

/// As it stands there and as it is meant. Which of its characters are encoded does not matter: it is found by decoding.
fn spelled(text: &str) -> impl Iterator<Item = Word> {
    [text.to_owned(), percent_decoded(text)].into_iter().filter_map(|text| password(&text))
}

fn percent_decoded(text: &str) -> String {
    // As the value of a form, in which this means something else.
    form_decoded(&text.replace('+', "%2B"))
}

fn form_decoded(text: &str) -> String {
    let value = format!("={}", text.replace('&', "%26"));
    let pair = form_urlencoded::parse(value.as_bytes()).next();
    pair.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use foreign_text::Secrets;
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_proxy_s_credentials_are_secrets() {
        let masked = |address: &str, text: &str| Secrets::new(of_proxy(address)).mask(text).into_owned();
        for leak in ["p@ssw0rd-1", "p%40ssw0rd-1", "%70@ss%770rd%2d1", "bWU6cEBzc3cwcmQtMQ=="] {
            let left = masked("http://me:p%40ssw0rd-1@proxy.example:3128", &format!("407: {leak}!"));
            assert_eq!(left, "407: ***!", "{leak}");
        }
        assert_eq!(
            masked("me:pw@proxy.example:3128", "http://me:pw@proxy.example for me and pw"),
            "http://***proxy.example for me and pw"
        );
        assert!(of_proxy("http://proxy.example:3128").is_empty());
        assert!(of("nonsense://").is_empty());
    }

    #[rstest]
    #[case("https://tok-12345678@host.example/path", "tok-12345678")]
    #[case("https://tok-12345678:@host.example", "tok-12345678")]
    #[case("https://tok-12345678:x-oauth-basic@github.example", "tok-12345678")]
    #[case("https://x-access-token:tok-12345678@github.example", "tok-12345678")]
    #[case("https://a-name-that-is-a-token:other-password@host", "a-name-that-is-a-token")]
    #[case("redis://:correct-horse@cache:6379/0", "correct-horse")]
    #[case("https://a.example/?x=1&access_token=correct-horse&y", "correct-horse")]
    #[case("https://a.example/#access_token=correct-horse", "correct-horse")]
    #[case("postgres://db/jobs?user=me&password=correct%2Dhorse", "correct-horse")]
    #[case("jdbc:sqlserver://db:1433;user=me;password=correct-horse;encrypt=true", "correct-horse")]
    #[case("host=db user=me password='correct-horse' dbname=jobs", "correct-horse")]
    #[case("DefaultEndpointsProtocol=https;AccountName=me;AccountKey=Y29ycmVjdA==", "Y29ycmVjdA==")]
    #[case("https://a.example/?X-Amz-Security-Token=correct-horse", "correct-horse")]
    #[case("https://a.example/?key=correct+horse", "correct horse")]
    #[case("https://a.example/?client_secret=correct-horse,https://b.example", "correct-horse")]
    #[case("https://a:first-password@a.example https://b:other-password@b.example/", "other-password")]
    #[case("https://a:first-password@a.example,https://b:other-password@b.example", "first-password")]
    #[case("amqp://a:first-password@h1:5672,b:other-password@h2:5672/vhost", "other-password")]
    #[case("amqp://a:first-password@h1:5672,b:other-password@h2:5672/vhost", "first-password")]
    #[case("mongodb://me:pass@word-1@db1,db2/jobs", "pass@word-1")]
    #[case("say \"https://me:correct-horse@host/\" and go", "correct-horse")]
    fn what_an_address_holds_is_a_secret(#[case] text: &str, #[case] secret: &str) {
        let secrets = Secrets::new(of(text));
        assert_eq!(secrets.mask(&format!("<{secret}>")), "<***>");
        assert!(!secrets.mask(text).contains(secret), "{}", secrets.mask(text));
    }

    #[rstest]
    #[case("ssh://git-user-name@host.example/repo", "git-user-name")]
    #[case("postgres://postgres@localhost/jobs", "postgres")]
    #[case("https://x-access-token:tok-12345678@github.example", "x-access-token")]
    #[case("https://me:correct-horse@github.example/my-org/repository", "my-org/repository")]
    #[case("https://a.example/?keyboard=correct-horse&monkey=correct-horse", "correct-horse")]
    #[case("password=correct-horse", "correct-horse")]
    #[case("https://a.example/user@example.com/correct-horse", "correct-horse")]
    fn what_is_no_secret_stays(#[case] text: &str, #[case] word: &str) {
        assert_eq!(Secrets::new(of(text)).mask(word), word);
    }

    #[test]
    fn short_values_are_secrets_with_their_names() {
        let secrets = Secrets::new(of("https://a.example/?user=me&password=pw"));
        assert_eq!(secrets.mask("?user=me&password=pw says me, pw"), "?user=me&*** says me, pw");
    }
}
