//! `completions`: the completions of a shell.

use clap::Command;
use clap_complete::Shell;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;

const AFTER_HELP: &str = "\
Examples:
  dir=~/.local/share/bash-completion/completions
  jules-batch completions bash > $dir/jules-batch
  jules-batch completions zsh > ~/.zfunc/_jules-batch
  jules-batch completions fish > ~/.config/fish/completions/jules-batch.fish";

/// `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, mut command: Command, console: &Console) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "jules-batch", &mut script);
    console.result(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
