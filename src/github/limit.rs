//! GitHub's rate limits: whether an answer means one, and how long nothing may be sent then. No clock here.

use std::time::Duration;

/// How long a limit holds that does not say for how long, at first.
const AT_LEAST: Duration = Duration::from_secs(60);
/// The longest that it grows to.
const AT_MOST: Duration = Duration::from_secs(60 * 60);

/// What an answer's headers say of limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// In seconds.
    pub(super) retry_after: Option<u64>,
    pub(super) remaining: Option<u64>,
    /// When there is more, in seconds since 1970, by GitHub's clock.
    pub(super) reset: Option<u64>,
    /// GitHub's clock.
    pub(super) date: Option<u64>,
}

impl Told {
    pub(super) fn read<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let number = |name: &str| header(name)?.trim().parse().ok();
        let date = header("date").and_then(|date| httpdate::parse_http_date(date).ok());
        let since_1970 = date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
        Self {
            retry_after: number("retry-after"),
            remaining: number("x-ratelimit-remaining"),
            reset: number("x-ratelimit-reset"),
            date: since_1970.map(|length| length.as_secs()),
        }
    }

    /// Whether an answer of this status that says so is a limit's. `said` is the refusal's or the error's text.
    pub(super) fn is_limit(&self, status: u16, said: &str) -> bool {
        let is_told = self.retry_after.is_some() || self.remaining == Some(0) || is_about_limits(said);
        status == 429 || status == 403 && is_told
    }

    /// How long nothing may be sent after a limit, the `times`-th one in a row, counted from 0. It is what the answer says;
    /// a limit that says nothing lasts a minute, and longer each time.
    pub(super) fn hold(&self, times: u32) -> Duration {
        if let Some(seconds) = self.retry_after {
            return Duration::from_secs(seconds.max(1));
        }
        if let (Some(0), Some(reset), Some(date)) = (self.remaining, self.reset, self.date) {
            // Headers have whole seconds.
            return Duration::from_secs(reset.saturating_sub(date) + 1).min(AT_MOST + AT_LEAST);
        }
        AT_LEAST.saturating_mul(2_u32.saturating_pow(times)).min(AT_MOST)
    }

    /// Whether it is the hour's budget that is spent: others than that of the same kind of request are not touched by it.
    pub(super) fn is_primary(&self) -> bool {
        self.retry_after.is_none() && self.remaining == Some(0)
    }
}

/// Whether GitHub's own words are about limits: secondary ones have no other sign at times.
pub(super) fn is_about_limits(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    said.contains("rate limit") || said.contains("abuse detection")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(headers: &[(&str, &'static str)]) -> Told {
        Told::read(|name| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
    }

    #[test]
    fn an_answer_says_how_long() {
        let date = ("date", "Fri, 27 Nov 2026 12:00:00 GMT");
        let reset = ("x-ratelimit-reset", "1795781100");
        let primary = told(&[date, reset, ("x-ratelimit-remaining", "0")]);
        assert_eq!(primary.date, Some(1_795_780_800));
        assert_eq!(primary.hold(5), Duration::from_secs(301));
        assert!(primary.is_primary());
        let secondary = told(&[date, reset, ("x-ratelimit-remaining", "4711"), ("retry-after", "7")]);
        assert_eq!(secondary.hold(5), Duration::from_secs(7));
        assert!(!secondary.is_primary());
        let silent = told(&[date, reset, ("x-ratelimit-remaining", "4711")]);
        let held: Vec<u64> = (0..9).map(|times| silent.hold(times).as_secs()).collect();
        assert_eq!(held, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
        assert_eq!(told(&[("retry-after", "nonsense")]).hold(0), AT_LEAST);
        let far = told(&[date, ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "99999999999")]);
        assert!(far.hold(0) <= AT_MOST + AT_LEAST, "a limit is over after an hour");
    }

    #[test]
    fn a_refusal_is_a_limit_only_when_it_says_so() {
        let plain = Told::default();
        assert!(plain.is_limit(429, ""));
        assert!(plain.is_limit(403, "You have exceeded a secondary rate limit. Please wait a few minutes."));
        assert!(Told { remaining: Some(0), ..plain }.is_limit(403, ""));
        assert!(Told { retry_after: Some(9), ..plain }.is_limit(403, ""));
        assert!(!plain.is_limit(403, "Resource not accessible by personal access token"));
        assert!(!Told { remaining: Some(0), ..plain }.is_limit(404, "Not Found"), "the last one of the hour");
    }
}
