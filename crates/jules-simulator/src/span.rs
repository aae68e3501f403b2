//! Lengths of time as a scenario writes them: `10m`, `5m..20m`, `10m ± 30%`.

use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use super::dice::Dice;

/// A length of time, or the range it is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Span {
    least: Duration,
    most: Duration,
}

impl Span {
    pub(super) const fn fixed(length: Duration) -> Self {
        Self { least: length, most: length }
    }

    pub(super) const fn range(least: Duration, most: Duration) -> Self {
        Self { least, most }
    }

    pub(super) fn is_fixed(self) -> bool {
        self.least == self.most
    }

    /// Whether this length is in the range, its end excluded.
    pub(super) fn holds(self, length: Duration) -> bool {
        (self.least..self.most).contains(&length)
    }

    /// The length that these dice draw, evenly over the range.
    pub(super) fn draw(self, dice: Dice) -> Duration {
        self.least + (self.most - self.least).mul_f64(dice.unit())
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some((least, most)) = text.split_once("..") {
            let (least, most) = (duration(least)?, duration(most)?);
            if least > most {
                return Err(format!("`{text}` runs backwards: write the shorter length first"));
            }
            return Ok(Self::range(least, most));
        }
        let Some((middle, share)) = text.split_once('±').or_else(|| text.split_once("+-")) else {
            return duration(&text).map(Self::fixed);
        };
        let middle = duration(middle)?;
        let share = share
            .trim()
            .strip_suffix('%')
            .and_then(|percent| percent.trim().parse::<f64>().ok())
            .filter(|percent| (0.0..=100.0).contains(percent))
            .ok_or_else(|| {
                format!("`{text}`: write the spread as a percentage up to 100, like `10m ± 30%`")
            })?;
        let spread = middle.mul_f64(share / 100.0);
        Ok(Self::range(middle - spread, middle + spread))
    }
}

/// Reads `250ms`, `90s`, `2h30m`; never negative, and short enough that sums of it stay in range.
fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let length = text
        .parse::<SignedDuration>()
        .map_err(|error| format!("`{text}` is not a length of time such as `90s` or `2h30m`: {error}"))?;
    Duration::try_from(length)
        .ok()
        .filter(|length| *length <= Duration::from_secs(366 * 86_400))
        .ok_or_else(|| format!("`{text}` is out of range: from 0s to a year"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Result<Span, String> {
        Span::try_from(text.to_owned())
    }

    #[test]
    fn reads_the_three_ways_of_writing() {
        let secs = Duration::from_secs;
        assert_eq!(span("2h30m"), Ok(Span::fixed(secs(9_000))));
        assert_eq!(span("250ms"), Ok(Span::fixed(Duration::from_millis(250))));
        assert_eq!(span("5m..20m"), Ok(Span::range(secs(300), secs(1_200))));
        assert_eq!(span("10m ± 30%"), Ok(Span::range(secs(420), secs(780))));
        assert_eq!(span("10m +- 30%"), span("10m ± 30%"));
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        for text in ["", "soon", "-5m", "20m..5m", "10m ± 130%", "10m ± 3m", "9999999h"] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn draws_inside_the_range() {
        let drawn = span("5m..20m").unwrap();
        for n in 0..100 {
            let length = drawn.draw(Dice::new(1).nth(n));
            assert!(length >= Duration::from_secs(300) && length <= Duration::from_secs(1_200));
        }
    }
}
