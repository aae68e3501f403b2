//! Reading a refusal: the error envelope, or whatever stands in its place.

use std::time::{Duration, SystemTime};

use foreign_text::{clip, one_line, plain};
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::Value;

use super::error::Refusal;

/// The longest message kept, in characters.
const MAX_MESSAGE: usize = 1_000;

/// How many reasons are kept.
const MAX_REASONS: usize = 20;

impl Refusal {
    /// Reads an answer that says no. `body` may be the JSON envelope, HTML, or nothing.
    pub(super) fn read(code: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let retry_after = retry_after(headers, SystemTime::now());
        let envelope = serde_json::from_slice::<Value>(body).unwrap_or_default();
        // Some gateways of Google's wrap the envelope in a list.
        let envelope = envelope.get(0).unwrap_or(&envelope);
        let error = &envelope["error"];
        if !error.is_object() {
            return Self { code, message: foreign_page(body), retry_after, ..Self::default() };
        }
        Self {
            code,
            status: error["status"].as_str().map(|status| printable(status, 64)),
            message: error["message"].as_str().map(|text| printable(text, MAX_MESSAGE)).unwrap_or_default(),
            reasons: reasons(&error["details"]),
            retry_after: retry_after.or_else(|| retry_delay(&error["details"])),
        }
    }
}

/// `reason` of each detail, and the fields that it complains of.
fn reasons(details: &Value) -> Vec<String> {
    let details = details.as_array().map(Vec::as_slice).unwrap_or_default();
    let reasons = details.iter().flat_map(|detail| {
        let violations = detail["fieldViolations"].as_array().map(Vec::as_slice).unwrap_or_default();
        let fields = violations.iter().filter_map(|violation| violation["field"].as_str());
        detail["reason"].as_str().into_iter().chain(fields)
    });
    reasons.take(MAX_REASONS).map(|reason| printable(reason, 200)).collect()
}

/// `retryDelay` of a `google.rpc.RetryInfo`: `"30s"`.
fn retry_delay(details: &Value) -> Option<Duration> {
    let delay = details.as_array()?.iter().find_map(|detail| detail["retryDelay"].as_str())?;
    Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
}

/// `Retry-After`: whole seconds, or an HTTP date, which counts from the answer's own `Date` if it has one.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |value: &HeaderValue| value.to_str().ok().map(|text| text.trim().to_owned());
    let wish = text(headers.get(RETRY_AFTER)?)?;
    if !wish.is_empty() && wish.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(wish.parse().unwrap_or(u64::MAX)));
    }
    let date = |text: String| httpdate::parse_http_date(&text).ok();
    let sent = headers.get(DATE).and_then(text).and_then(date).unwrap_or(now);
    Some(date(wish)?.duration_since(sent).unwrap_or_default())
}

/// What to say of a body that is not the envelope.
fn foreign_page(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * MAX_MESSAGE)]);
    let text = text.trim();
    if text.starts_with('<') { "(an HTML page instead of an error)".to_owned() } else { printable(text, 200) }
}

/// Foreign text on one line of at most `max` characters that a terminal may show.
fn printable(text: &str, max: usize) -> String {
    clip(one_line(plain(text), usize::MAX), max).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(reqwest::header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn the_envelope_is_read_with_its_details() {
        let body =
            br#"{"error":{"code":400,"message":"bad\u001b[31m\nthing","status":"INVALID_ARGUMENT","details":[
            {"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"prompt"}]},
            {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"TOO_LONG"}]}}"#;
        let refusal = Refusal::read(400, &HeaderMap::new(), body);
        assert_eq!(refusal.status.as_deref(), Some("INVALID_ARGUMENT"));
        assert_eq!(refusal.message, "bad thing");
        assert_eq!(refusal.reasons, ["prompt", "TOO_LONG"]);
    }

    #[test]
    fn html_nothing_and_nonsense_are_no_panics() {
        let read = |body: &[u8]| Refusal::read(502, &HeaderMap::new(), body);
        assert_eq!(read(b"<!DOCTYPE html><h1>502</h1>").message, "(an HTML page instead of an error)");
        assert_eq!(read(b"").message, "");
        assert_eq!(read(b"upstream connect error\r\n").message, "upstream connect error");
        assert_eq!(read(b"{\"error\":\"x\"}").status, None);
        assert_eq!(
            read(b"[{\"error\":{\"status\":\"UNAVAILABLE\"}}]").status.as_deref(),
            Some("UNAVAILABLE")
        );
        assert!(read(&[0xff; 10_000]).message.chars().count() <= 201);
        assert!(read(&vec![b'['; 100_000]).status.is_none());
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let now = httpdate::parse_http_date("Sun, 22 Nov 2026 02:00:00 GMT").unwrap();
        let read = |pairs| retry_after(&headers(pairs), now).map(|wait| wait.as_secs());
        assert_eq!(read(&[(RETRY_AFTER, "7")]), Some(7));
        assert_eq!(read(&[(RETRY_AFTER, "99999999999999999999999")]), Some(u64::MAX));
        assert_eq!(read(&[(RETRY_AFTER, "Sun, 22 Nov 2026 02:00:30 GMT")]), Some(30));
        assert_eq!(read(&[(RETRY_AFTER, "Sun, 22 Nov 2026 01:00:00 GMT")]), Some(0));
        let own_clock =
            [(RETRY_AFTER, "Sun, 22 Nov 2026 05:00:10 GMT"), (DATE, "Sun, 22 Nov 2026 05:00:00 GMT")];
        assert_eq!(read(&own_clock), Some(10));
        assert_eq!(read(&[(RETRY_AFTER, "soon")]), None);
        assert_eq!(read(&[(RETRY_AFTER, "-5")]), None);
    }

    #[test]
    fn a_retry_delay_in_the_details_counts_as_well() {
        let body = br#"{"error":{"details":[{"retryDelay":"1.5s"}]}}"#;
        let refusal = Refusal::read(429, &HeaderMap::new(), body);
        assert_eq!(refusal.retry_after, Some(Duration::from_millis(1500)));
    }
}
