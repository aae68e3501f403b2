//! The program; all that it does is in the library, where its parts are tested.

use std::process::ExitCode;

fn main() -> ExitCode {
    jules_batch::main()
}
