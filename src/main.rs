//! Parse, run, exit: the only place where an error becomes a code.

use std::process::ExitCode;

use jules_batch::cli::{self, Args, Console, Exit};

fn main() -> ExitCode {
    let args = match Args::parse_from_env(std::env::args_os()) {
        Ok(args) => args,
        Err(answer) => {
            // Help and version go to stdout, errors to stderr; a reader that has gone away is no error.
            let _ = answer.print();
            return if answer.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let console = Console::new(&args);
    let exit = cli::run(args, &console).unwrap_or_else(|failure| {
        console.failure(&failure);
        failure.exit()
    });
    console.close();
    exit.into()
}
