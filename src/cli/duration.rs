//! Durations on the command line, written as in the manifest, and on the screen.

use std::time::Duration;

pub(crate) use crate::manifest::parse_duration as parse;

/// For people, in at most two units: `0.4s`, `12s`, `3m 05s`, `2h 07m`, `4d 01h`.
pub(crate) fn show(duration: Duration) -> String {
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
    fn shows_two_units_at_most() {
        let shown = |ms| show(Duration::from_millis(ms));
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(400), "0.4s");
        assert_eq!(shown(2_000), "2.0s");
        assert_eq!(shown(12_700), "12s");
        assert_eq!(shown(185_000), "3m 05s");
        assert_eq!(shown(7_620_000), "2h 07m");
        assert_eq!(shown(349_200_000), "4d 01h");
    }
}
