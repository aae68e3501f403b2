//! Amounts, written for people.

use std::fmt::Display;
use std::time::Duration;

/// `1 task`, `2 tasks`; `2 replies`.
#[must_use]
pub fn many<N: Copy + Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if n == N::from(1) => format!("1 {noun}"),
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{n} {stem}ies"),
        _ => format!("{n} {noun}s"),
    }
}

/// In at most two units: `0.4s`, `12s`, `3m 05s`, `2h 07m`, `4d 01h`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.is_zero() => "0s".to_owned(),
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let texts = [
            many(0_u32, "task"),
            many(1_u32, "task"),
            many(1_u64, "reply"),
            many(2_usize, "reply"),
            many(2_u32, "day"),
        ];
        assert_eq!(texts, ["0 tasks", "1 task", "1 reply", "2 replies", "2 days"]);
    }

    #[test]
    fn a_duration_has_two_units_at_most() {
        let shown = |ms| duration(Duration::from_millis(ms));
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(400), "0.4s");
        assert_eq!(shown(2_000), "2.0s");
        assert_eq!(shown(12_700), "12s");
        assert_eq!(shown(185_000), "3m 05s");
        assert_eq!(shown(7_620_000), "2h 07m");
        assert_eq!(shown(349_200_000), "4d 01h");
    }
}
