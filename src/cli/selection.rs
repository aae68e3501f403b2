//! Which tasks of a manifest: the flags that `run` and `plan` share.

use foreign_text::line as neutral;

use super::exit::Exit;
use super::failure::Failure;
use super::number::whole;
use super::shard::ShardArg;
use crate::plan::{self, Filter, Plan, Slice};

/// Which tasks, and with which variables.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct Selection {
    /// Only tasks that match, such as 'job(upgrade) & !tag(slow)'; of several, any is enough
    #[arg(long, value_name = "EXPR")]
    pub(crate) select: Vec<Filter>,
    /// No tasks that match; wins over --select
    #[arg(long, value_name = "EXPR")]
    pub(crate) exclude: Vec<Filter>,
    /// Only the tasks from A up to, but without, B, counted from 0; either may be left out
    #[arg(long, value_name = "A:B", allow_hyphen_values = true)]
    pub(crate) slice: Option<Slice>,
    /// Only N tasks; the same N every time
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub(crate) sample: Option<usize>,
    /// Only part M of N: by a hash of the task id, or slice:M/N in turn; auto reads the CI system's variables
    #[arg(long, value_name = "M/N|slice:M/N|auto")]
    pub(crate) shard: Option<ShardArg>,
    /// Set a variable of the manifest; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,
}

impl Selection {
    /// The variables of the command line, in order.
    pub(crate) fn vars(&self) -> Result<Vec<(String, String)>, Failure> {
        self.var.iter().map(|text| pair(text)).collect()
    }

    /// What the flags choose.
    pub(crate) fn tasks(&self) -> Result<plan::Selection, Failure> {
        let shard = self.shard.map(|shard| shard.resolve(|name| std::env::var(name).ok())).transpose();
        let shard = shard.map_err(|error| Failure::usage(error).help("name it: --shard 2/5"))?;
        let Self { select, exclude, slice, sample, .. } = self.clone();
        Ok(plan::Selection { select, exclude, slice, sample, shard })
    }

    /// The plan with the selected tasks alone.
    ///
    /// # Errors
    ///
    /// When there is none, but for a shard that happens to be empty.
    pub(crate) fn apply(&self, plan: Plan) -> Result<Plan, Failure> {
        plan.select_some(&self.tasks()?).map_err(Failure::usage)?.ok_or_else(nothing_selected)
    }
}

/// That there is nothing to do.
pub(crate) fn nothing_selected() -> Failure {
    Failure::new(Exit::NothingSelected, "no task is selected")
        .help("see all of them: jules-batch plan, without --select, --exclude, --slice, --sample and --shard")
}

fn pair(text: &str) -> Result<(String, String), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => {
            Err(Failure::usage(format!("`{}` is no variable", neutral(text))).help("write --var NAME=VALUE"))
        }
    }
}
