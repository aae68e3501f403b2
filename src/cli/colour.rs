//! Whether to write colours.

use clap::ValueEnum;

use super::ci::Ci;

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// By the environment and the terminal: the default.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Decides for one stream: the flag, `NO_COLOR`, `CLICOLOR_FORCE` and `FORCE_COLOR`, the terminal, and then
    /// CI log viewers that render colours. `TERM=dumb` and `CLICOLOR=0` switch the last two off.
    pub(crate) fn decide(self, var: impl Fn(&str) -> Option<String>, terminal: bool, ci: Option<Ci>) -> bool {
        let value = |name: &str| var(name).filter(|v| !v.is_empty());
        let forced = |name: &str| value(name).is_some_and(|v| !matches!(v.as_str(), "0" | "false"));
        match self {
            Self::Always => return true,
            Self::Never => return false,
            Self::Auto => {}
        }
        // https://no-color.org: any value but the empty one.
        if value("NO_COLOR").is_some() {
            return false;
        }
        if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") {
            return true;
        }
        if value("FORCE_COLOR").is_some() || value("CLICOLOR").is_some_and(|v| v == "0") {
            return false;
        }
        if terminal {
            return value("TERM").is_none_or(|term| term != "dumb");
        }
        ci.is_some_and(Ci::renders_colour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(vars: &[(&str, &str)], terminal: bool, ci: Option<Ci>) -> bool {
        decide(Colour::Auto, vars, terminal, ci)
    }

    fn decide(colour: Colour, vars: &[(&str, &str)], terminal: bool, ci: Option<Ci>) -> bool {
        let var = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        colour.decide(var, terminal, ci)
    }

    #[test]
    fn the_flag_wins() {
        assert!(decide(Colour::Always, &[("NO_COLOR", "1")], false, None));
        assert!(!decide(Colour::Never, &[("FORCE_COLOR", "1")], true, None));
    }

    #[test]
    fn then_no_color_then_force() {
        assert!(!auto(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], true, None));
        assert!(auto(&[("NO_COLOR", "")], true, None));
        assert!(auto(&[("CLICOLOR_FORCE", "1")], false, None));
        assert!(auto(&[("FORCE_COLOR", "3")], false, None));
        assert!(!auto(&[("FORCE_COLOR", "0")], true, None));
        assert!(!auto(&[("CLICOLOR", "0")], true, None));
    }

    #[test]
    fn then_the_terminal_and_the_viewer() {
        assert!(auto(&[], true, None));
        assert!(!auto(&[("TERM", "dumb")], true, None));
        assert!(!auto(&[], false, None));
        assert!(auto(&[], false, Some(Ci::GitHub)));
        assert!(!auto(&[], false, Some(Ci::Other)));
    }
}
