//! Who may read: on this machine every browser that was sent here by its user, elsewhere whoever has the token.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, HeaderMap, HeaderValue, LOCATION,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use url::{Host, Url, form_urlencoded};

use jules::Secret;

/// Characters of a token at least.
const SHORTEST: usize = 16;
const COOKIE_NAME: &str = "jules-batch-token";

/// What is asked of a request.
pub(super) struct Guard {
    /// Whether only this machine can reach us: then its browsers may be sent here by any page, under any name.
    is_local: bool,
    token: Option<[u8; 32]>,
}

impl Guard {
    /// For the address that is listened on.
    ///
    /// # Errors
    ///
    /// That a token is missing, or short.
    pub(super) fn new(listen: IpAddr, token: Option<&Secret>) -> Result<Self, String> {
        let bearer = token.map(Secret::bearer);
        let text =
            bearer.as_ref().map(|bearer| bearer.as_bytes().strip_prefix(b"Bearer ").unwrap_or_default());
        if text.is_some_and(|text| text.len() < SHORTEST) {
            return Err(format!("the token has fewer than {SHORTEST} characters"));
        }
        let is_local = listen.is_loopback();
        if !is_local && text.is_none() {
            return Err(format!("{listen} can be reached by others, and there is no token"));
        }
        Ok(Self { is_local, token: text.map(|text| Sha256::digest(text).into()) })
    }

    /// Hashes are compared: how long that takes says nothing of the token.
    fn takes(&self, offered: &str) -> bool {
        self.token.is_none_or(|token| <[u8; 32]>::from(Sha256::digest(offered)) == token)
    }

    /// A page elsewhere may have a name that leads here (DNS rebinding): it would be the origin of what we answer.
    fn is_meant(&self, headers: &HeaderMap) -> bool {
        if !self.is_local {
            return true;
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let url = Url::parse(&format!("http://{host}/")).ok();
        match url.as_ref().and_then(Url::host) {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    fn is_known(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        // RFC 9110: a scheme's case says nothing.
        let bearer = text(AUTHORIZATION).and_then(|value| value.trim_start().split_once(' '));
        let bearer =
            bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
        let cookies = text(COOKIE).into_iter().flat_map(|cookies| cookies.split(';'));
        let cookie =
            cookies.filter_map(|cookie| cookie.trim().split_once('=')).find(|(name, _)| *name == COOKIE_NAME);
        let cookie = cookie.map(|(_, value)| {
            form_urlencoded::parse(value.as_bytes()).map(|(text, _)| text).collect::<String>()
        });
        self.token.is_none()
            || bearer.is_some_and(|token| self.takes(token.trim()))
            || cookie.is_some_and(|token| self.takes(&token))
    }
}

/// Lets a request through, or says why not; and tells the browser what no page of ours needs.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let refused = |status: StatusCode, why: &'static str| (status, format!("{why}\n")).into_response();
    let mut response = if !guard.is_meant(request.headers()) {
        refused(
            StatusCode::MISDIRECTED_REQUEST,
            "this is served under its own address alone, such as http://127.0.0.1",
        )
    } else if let Some(answer) = with_token(&guard, &request) {
        answer
    } else if !guard.is_known(request.headers()) {
        refused(StatusCode::UNAUTHORIZED, "a token is needed: open /?token=TOKEN once")
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    let fixed = HeaderValue::from_static;
    headers.insert(CACHE_CONTROL, fixed("no-store"));
    headers.insert(REFERRER_POLICY, fixed("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), fixed("same-origin"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), fixed("same-origin"));
    headers.append(CONTENT_SECURITY_POLICY, fixed("frame-ancestors 'none'"));
    response
}

/// A token in the address becomes a cookie, and leaves the address.
fn with_token(guard: &Guard, request: &Request) -> Option<Response> {
    guard.token?;
    let query = request.uri().query()?;
    let (_, token) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token")?;
    if !guard.takes(&token) {
        return None;
    }
    let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let cookie = format!("{COOKIE_NAME}={token}; HttpOnly; SameSite=Strict; Path=/");
    let place = place(request.uri().path(), query);
    Some((StatusCode::SEE_OTHER, [(LOCATION, place), (SET_COOKIE, cookie)]).into_response())
}

/// The page that was asked for, with all of its query but the token. `//host` and `/\host` would be another place for a
/// browser: only what our own pages have in their addresses is repeated.
fn place(path: &str, query: &str) -> String {
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-');
    let path = if path.bytes().all(is_ours) && !path.starts_with("//") { path } else { "/" };
    let mut rest = form_urlencoded::Serializer::new(String::new());
    rest.extend_pairs(form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "token"));
    let rest = rest.finish();
    if rest.is_empty() { path.to_owned() } else { format!("{path}?{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn another_address_than_this_machines_wants_a_token_that_nobody_guesses() {
        let token = |text: &str| Secret::new(text).unwrap();
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        let all: IpAddr = "0.0.0.0".parse().unwrap();
        assert!(Guard::new(here, None).is_ok());
        assert!(Guard::new(all, None).is_err());
        assert!(Guard::new(all, Some(&token("short"))).is_err());
        assert!(Guard::new(all, Some(&token("0123456789abcdef"))).is_ok());
    }

    #[test]
    fn only_names_of_this_machine_are_served_there() {
        let guard = Guard::new("127.0.0.1".parse().unwrap(), None).unwrap();
        for good in ["127.0.0.1:80", "localhost", "localhost:9", "[::1]:80", "127.1.2.3"] {
            assert!(guard.is_meant(&headers(&[(HOST, good)])), "{good}");
        }
        for bad in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "192.168.0.1", ""]
        {
            assert!(!guard.is_meant(&headers(&[(HOST, bad)])), "{bad}");
        }
        assert!(!guard.is_meant(&HeaderMap::new()));
        // Elsewhere it may have any name: a page that borrows one has no cookie of ours.
        let token = Secret::new("0123456789abcdef").unwrap();
        let elsewhere = Guard::new("0.0.0.0".parse().unwrap(), Some(&token)).unwrap();
        let borrowed = headers(&[(HOST, "evil.example")]);
        assert!(elsewhere.is_meant(&borrowed) && !elsewhere.is_known(&borrowed));
    }

    #[test]
    fn a_token_is_taken_from_a_header_or_a_cookie() {
        let token = Secret::new("0123456789abcdef").unwrap();
        let guard = Guard::new("0.0.0.0".parse().unwrap(), Some(&token)).unwrap();
        for good in [
            (AUTHORIZATION, "Bearer 0123456789abcdef"),
            (AUTHORIZATION, "bearer  0123456789abcdef"),
            (COOKIE, "a=b; jules-batch-token=0123456789abcdef"),
        ] {
            assert!(guard.is_known(&headers(&[good])));
        }
        for bad in [
            (AUTHORIZATION, "Bearer 0123456789abcdeg"),
            (AUTHORIZATION, "0123456789abcdef"),
            (AUTHORIZATION, "Basic 0123456789abcdef"),
            (COOKIE, "jules-batch-token="),
            (COOKIE, "token=0123456789abcdef"),
        ] {
            assert!(!guard.is_known(&headers(&[bad])));
        }
        assert!(!guard.is_known(&HeaderMap::new()));
    }

    #[test]
    fn who_brings_a_token_is_led_to_the_page_that_was_asked_for_and_to_no_other_place() {
        let cases = [
            ("/pulls", "token=x&stage=ready", "/pulls?stage=ready"),
            ("/pulls", "stage=needs-review&token=x", "/pulls?stage=needs-review"),
            ("/run/20261128-020005-0f3a", "token=x", "/run/20261128-020005-0f3a"),
            ("/", "token=x&a=%0d%0aSet-Cookie:b&token=y", "/?a=%0D%0ASet-Cookie%3Ab"),
            ("//evil.example", "token=x", "/"),
            ("/\\evil.example", "token=x", "/"),
            ("/%5cevil.example", "token=x", "/"),
            ("/.//evil.example", "token=x", "/"),
            ("/@evil.example", "token=x", "/"),
        ];
        for (path, query, wanted) in cases {
            assert_eq!(place(path, query), wanted, "{path}?{query}");
        }
    }
}
