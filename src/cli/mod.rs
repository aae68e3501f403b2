//! The command line: the only layer that knows clap, terminals and exit codes.
