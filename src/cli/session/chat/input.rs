//! What a line of the user's says.

/// A line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// An empty line.
    Nothing,
    /// Words for the agent.
    Message(String),
    /// Something for us.
    Command(Command),
    /// A slash with a word that means nothing. It is not sent: it was most likely a slip.
    Unknown(String),
}

/// What the user can ask us to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Approve the plan.
    Approve,
    /// Show the changes.
    Diff {
        /// The patch instead of the list of files.
        full: bool,
    },
    /// Show the plan.
    Plan,
    /// Show the pull request.
    PullRequest,
    /// Show the session.
    State,
    /// Send a file's text.
    Send(String),
    /// List the commands.
    Help,
    /// Leave.
    Quit,
}

/// The commands, for those who complete their names.
pub(super) const COMMANDS: [&str; 8] =
    ["/approve", "/diff", "/help", "/plan", "/pr", "/quit", "/send ", "/state"];

impl Input {
    /// Understands a line, or several.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Nothing;
        }
        if let Some(message) = text.strip_prefix('/').filter(|rest| rest.starts_with('/')) {
            return Self::Message(message.to_owned());
        }
        if !text.starts_with('/') || text.contains('\n') {
            return Self::Message(text.to_owned());
        }
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let command = match (word, rest.trim()) {
            ("/approve", "") => Command::Approve,
            ("/diff", "") => Command::Diff { full: false },
            ("/diff", "full") => Command::Diff { full: true },
            ("/plan", "") => Command::Plan,
            ("/pr", "") => Command::PullRequest,
            ("/state" | "/show" | "/status", "") => Command::State,
            ("/send", path) if !path.is_empty() => Command::Send(path.to_owned()),
            ("/help" | "/?", "") => Command::Help,
            ("/quit" | "/exit" | "/q", "") => Command::Quit,
            _ => return Self::Unknown(text.to_owned()),
        };
        Self::Command(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_to_the_agent_and_commands_to_us() {
        let message = |text: &str| Input::Message(text.to_owned());
        assert_eq!(Input::parse("  go on \r"), message("go on"));
        assert_eq!(Input::parse("a/b"), message("a/b"));
        assert_eq!(Input::parse("//etc is a folder"), message("/etc is a folder"));
        assert_eq!(Input::parse("one\n/approve"), message("one\n/approve"));
        assert_eq!(Input::parse("/approve\nis what I type"), message("/approve\nis what I type"));
        assert_eq!(Input::parse("   "), Input::Nothing);
        assert_eq!(Input::parse("/approve"), Input::Command(Command::Approve));
        assert_eq!(Input::parse("/diff full"), Input::Command(Command::Diff { full: true }));
        assert_eq!(Input::parse("/pr "), Input::Command(Command::PullRequest));
        assert_eq!(Input::parse("/send a file.md"), Input::Command(Command::Send("a file.md".into())));
        assert_eq!(Input::parse("/quit"), Input::Command(Command::Quit));
    }

    #[test]
    fn slips_are_not_sent() {
        for slip in ["/accept", "/approve now", "/send", "/diff some", "/"] {
            assert_eq!(Input::parse(slip), Input::Unknown(slip.to_owned()));
        }
    }
}
