//! Numbers of the command line, with errors in our words.

use std::num::NonZeroUsize;
use std::str::FromStr;

/// A whole number from 0.
pub(crate) fn whole<N: FromStr>(text: &str) -> Result<N, String> {
    text.trim().parse().map_err(|_| "a whole number is wanted, such as 10".to_owned())
}

/// A whole number from 1.
pub(crate) fn positive(text: &str) -> Result<NonZeroUsize, String> {
    text.trim().parse().map_err(|_| "a whole number from 1 is wanted".to_owned())
}

/// How many times as fast.
pub(crate) fn factor(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|factor: &f64| factor.is_finite() && *factor > 0.0);
    number.ok_or_else(|| "a number above 0 is wanted, such as 60".to_owned())
}

/// A port.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.trim().parse().map_err(|_| "a port is wanted: a whole number from 0 to 65535".to_owned())
}
