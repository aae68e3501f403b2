//! Which tasks of a manifest: the flags that `run` and `plan` share.

/// Which tasks, and with which variables.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct Selection {
    /// Only tasks that match; may be given several times, any of them is enough
    #[arg(long, value_name = "EXPR")]
    pub(crate) select: Vec<String>,
    /// No tasks that match; wins over --select
    #[arg(long, value_name = "EXPR")]
    pub(crate) exclude: Vec<String>,
    /// Only the tasks from A up to, but without, B, counted from 0; either may be left out
    #[arg(long, value_name = "A:B")]
    pub(crate) slice: Option<String>,
    /// Only N tasks, drawn evenly; the same N every time
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<usize>,
    /// Only this part of M/N: by a hash of the task id, or slice:M/N by position; auto reads the CI's variables
    #[arg(long, value_name = "M/N|slice:M/N|auto")]
    pub(crate) shard: Option<String>,
    /// Set a variable of the manifest; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) var: Vec<String>,
}
