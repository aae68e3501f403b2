//! `state`: a ledger that machines share.

mod limits;

use clap::Subcommand;

use foreign_text::line as neutral;
pub(crate) use limits::told;

use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::location::StateText;
use crate::cli::recorded::exit_of;
use crate::ledger::{
    Database, LedgerError, Location, Made, SchemaName, copy, look, make, prune_shared, release, script,
    standings,
};
use crate::manifest::AccountName;
use crate::outcome::RunId;
use crate::report::many;

const AFTER_HELP: &str = "\
Runs are recorded in the folder .jules-batch unless --state, or JULES_BATCH_STATE, names a PostgreSQL database (14 or newer):
then several machines can have the same runs, one of them at work on each manifest at a time. docs/shared-state.md has more.

Examples:
  export JULES_BATCH_STATE=postgres://jules@db.example.com/jules
  export PGPASSFILE=~/.pgpass
  jules-batch state init
  jules-batch state check";

const INIT_HELP: &str = "\
Examples:
  jules-batch state init --state postgres://admin@db.example.com/jules
  jules-batch state init --sql | psql jules
  export JULES_BATCH_STATE=\"postgres://admin@localhost/jules?schema=team_a\"
  jules-batch state init --account-schema accounts";

const CHECK_HELP: &str = "\
Examples:
  jules-batch state check --state postgres://jules@db.example.com/jules";

const COPY_HELP: &str = "\
Examples:
  jules-batch state copy .jules-batch postgres://jules@localhost/jules
  jules-batch state copy postgres://jules@localhost/jules .jules-batch";

const PRUNE_HELP: &str = "\
Examples:
  jules-batch state prune --state postgres://admin@db.example.com/jules";

const RELEASE_HELP: &str = "\
Examples:
  jules-batch state release 20261128-020005-0f3a";

/// `state`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct StateArgs {
    /// What to do
    #[command(subcommand)]
    step: Step,
}

/// What is done.
#[derive(Debug, Subcommand)]
enum Step {
    /// Make the ledger in the database, or bring it to the version of this program
    #[command(after_help = INIT_HELP)]
    Init(InitArgs),
    /// Say whether the database has a ledger that can be used, and who is at work
    #[command(after_help = CHECK_HELP)]
    Check(Which),
    /// Copy the runs of one ledger to another, a folder to a database or back, and see that both say the same
    ///
    /// Nobody may be at work with either meanwhile. The first one keeps everything, and says where it went.
    #[command(after_help = COPY_HELP)]
    Copy(CopyArgs),
    /// Remove old runs from the database, by the rules that a folder's ledger prunes itself by
    ///
    /// The newest twenty runs of each manifest stay for ninety days; its last run, the last word on each task, and what has left
    /// work or an open pull request stay for ever. Needs the role that has made the ledger.
    #[command(after_help = PRUNE_HELP)]
    Prune(Which),
    /// Take a run away from whoever has it
    ///
    /// Its process writes nothing any more from then on; what it has sent by then is looked for by the next run. A process that
    /// has died needs none of this: its lease is over after half a minute.
    #[command(after_help = RELEASE_HELP)]
    Release(ReleaseArgs),
    /// Say what the service's account allows, for all runs that share the database together
    ///
    /// Without any of the limits: prints them, and how the account stands. Once they are said, runs that begin ask the account
    /// before each session and each request; what is not said stays as it is, and `none` is no bound. Needs the role that has
    /// made the ledger.
    #[command(after_help = limits::AFTER_HELP)]
    Limits(limits::LimitsArgs),
}

/// Which database.
#[derive(Debug, clap::Args)]
struct Which {
    /// The database: postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "WHERE", help_heading = "State")]
    state: Option<StateText>,
}

/// `state init`.
#[derive(Debug, clap::Args)]
struct InitArgs {
    /// Print the SQL for an administrator, and touch nothing
    #[arg(long)]
    sql: bool,
    /// Keep the accounts of this schema in that one, for teams that must not read one another: they share what `state limits` says there
    #[arg(long, value_name = "SCHEMA")]
    account_schema: Option<SchemaName>,
    /// Which database.
    #[command(flatten)]
    which: Which,
}

/// Which of the service's accounts.
#[derive(Debug, clap::Args)]
struct Account {
    /// The service's account, by the name that it has in the database [default: the only one there, else `default`]
    #[arg(long, value_name = "NAME", help_heading = "State")]
    account: Option<AccountName>,
}

impl Account {
    fn of(&self, database: Database) -> Database {
        database.or_account(self.account.as_ref().map(AccountName::as_str))
    }
}

/// `state copy`.
#[derive(Debug, clap::Args)]
struct CopyArgs {
    /// From this folder or database
    #[arg(value_name = "FROM")]
    from: StateText,
    /// To this folder or database [default: what JULES_BATCH_STATE says, which may hold a password]
    #[arg(value_name = "TO")]
    to: Option<StateText>,
    /// Whose runs they are in the database [default: what CI says, else the remote `origin`]
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
}

/// `state release`.
#[derive(Debug, clap::Args)]
struct ReleaseArgs {
    /// Which run
    #[arg(value_name = "RUN")]
    run: RunId,
    /// Which database.
    #[command(flatten)]
    which: Which,
}

pub(crate) fn run(args: &StateArgs, console: &Console) -> Result<Exit, Failure> {
    match &args.step {
        Step::Init(args) => init(args, console),
        Step::Check(which) => check(which, console),
        Step::Copy(args) => copy_all(args, console),
        Step::Prune(which) => prune(which, console),
        Step::Release(args) => take_away(args, console),
        Step::Limits(args) => limits::run(args, console),
    }
}

fn init(args: &InitArgs, console: &Console) -> Result<Exit, Failure> {
    let database = args.which.database()?;
    if args.sql {
        console.result(&script(&database, args.account_schema.as_ref()))?;
        return Ok(Exit::Done);
    }
    let place = neutral(&database.to_string());
    let lacks_role = match make(&database, args.account_schema.as_ref()).map_err(failed)? {
        Made::Ready { lacks_role } => lacks_role,
        Made::Newer(version) => {
            console.say(&format!(
                "the ledger in {place} is of a newer program (version {version}), and this one can use it: nothing to do"
            ));
            return Ok(Exit::Done);
        }
    };
    if let Some(role) = lacks_role {
        console.warn(&format!(
            "only the role that has made the ledger can use it: it may not make {role}; an administrator does with `state init --sql`"
        ));
    }
    console.say(&format!("the ledger in {place} is ready"));
    Ok(Exit::Done)
}

fn check(which: &Which, console: &Console) -> Result<Exit, Failure> {
    let database = which.database()?;
    database.warning().iter().for_each(|warning| console.warn(warning));
    let holders = look(&database).map_err(failed)?;
    console.say(&format!(
        "the ledger in {} can be used; somebody is at work on {}",
        neutral(&database.to_string()),
        many(holders.len(), "manifest")
    ));
    for holder in &holders {
        console.result_line(&neutral(holder))?;
    }
    for standing in standings(&database).map_err(failed)? {
        told(&standing).iter().try_for_each(|line| console.result_line(line))?;
    }
    Ok(Exit::Done)
}

fn copy_all(args: &CopyArgs, console: &Console) -> Result<Exit, Failure> {
    let project = args.project.as_deref();
    let location = |text: &StateText| {
        text.is_free_of_secrets()?;
        text.location(project)
    };
    let of_variable = || StateText::of_variable().map(|text| text.location(project));
    let to = args.to.as_ref().filter(|to| !to.is_blank()).map(location).or_else(of_variable).transpose()?;
    let (Some(to), false) = (to, args.from.is_blank()) else {
        return Err(Failure::usage("where to copy from or to is not said")
            .help("name both, `state copy .jules-batch postgres://USER@HOST/DATABASE`, or set JULES_BATCH_STATE for the second"));
    };
    let from = location(&args.from)?;
    if from.is_same_place(&to) {
        let [from, to] = [&from, &to].map(|location| neutral(&location.to_string()));
        return Err(Failure::usage(format!("`{from}` and `{to}` are the same place"))
            .help("name another folder or database to copy to"));
    }
    let copies = copy(&from, &to).map_err(failed)?;
    if copies.copied + copies.there == 0 {
        return Err(Failure::usage(format!("`{from}` has no run{}", of_project(&from)))
            .help("whose runs are meant is said by --project"));
    }
    let there = if copies.there > 0 { format!(", {} were there", copies.there) } else { String::new() };
    console.say(&format!("{} copied{there}; both ledgers say the same", many(copies.copied, "run")));
    Ok(Exit::Done)
}

fn of_project(location: &Location) -> String {
    match location {
        Location::Folder(_) => String::new(),
        Location::Database(database) => {
            database.project().map_or_else(String::new, |name| format!(" of the project `{}`", neutral(name)))
        }
    }
}

fn prune(which: &Which, console: &Console) -> Result<Exit, Failure> {
    let removed = prune_shared(&which.database()?).map_err(failed)?;
    console.say(&format!("{} removed", many(removed, "run")));
    Ok(Exit::Done)
}

fn take_away(args: &ReleaseArgs, console: &Console) -> Result<Exit, Failure> {
    let run = &args.run;
    match release(&args.which.database()?, run).map_err(failed)? {
        None => return Err(Failure::usage(format!("run {run} is not in the ledger"))),
        Some(None) => console.say(&format!("nobody has run {run}")),
        Some(Some(holder)) => console.say(&format!("run {run} is free; it was {}'s", neutral(&holder))),
    }
    Ok(Exit::Done)
}

impl Which {
    fn database(&self) -> Result<Database, Failure> {
        let named = self.state.as_ref().map(StateText::database).transpose()?.flatten();
        named.ok_or_else(|| {
            Failure::usage("no database is named")
                .help("name it: --state postgres://USER@HOST/DATABASE, or JULES_BATCH_STATE")
        })
    }
}

fn failed(error: LedgerError) -> Failure {
    Failure::new(exit_of(&error), error)
}
