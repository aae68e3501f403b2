//! Where runs are recorded, by the flags and the environment.

use super::args::State;
use super::failure::Failure;
use crate::ledger::Location;

impl State {
    /// Where runs are recorded.
    ///
    /// # Errors
    ///
    /// When the database's address is wrong, whose runs are meant cannot be told, or an account is named without a database.
    pub(crate) fn location(&self) -> Result<Location, Failure> {
        #[cfg(feature = "postgres")]
        if let Some(state) = &self.state {
            let location = state.location(self.project.as_deref())?;
            if location.is_shared() || self.account.is_none() {
                return Ok(location.or_account(self.account.as_ref()));
            }
        }
        #[cfg(feature = "postgres")]
        if let Some(account) = &self.account {
            let account = account.as_str();
            return Err(Failure::usage(format!("there is no account `{account}` in a folder: one process at a time runs with it"))
                .help("runs share an account through a database: --state postgres://USER@HOST/DATABASE; or leave --account and JULES_BATCH_ACCOUNT out"));
        }
        Ok(Location::Folder(self.state_dir.clone()))
    }
}

#[cfg(feature = "postgres")]
pub(crate) use shared::StateText;

#[cfg(feature = "postgres")]
mod shared {
    use std::fmt;
    use std::path::Path;
    use std::str::FromStr;

    use crate::cli::failure::Failure;
    use crate::cli::quote::quoted;
    use crate::ledger::{Database, Location};
    use crate::manifest::project_of;

    /// The variable of the flag: it may hold a password, which a command line would show to everybody.
    const VARIABLE: &str = "JULES_BATCH_STATE";

    /// What CI systems call the project, and the variable for the others.
    const PROJECTS: [&str; 6] = [
        "GITHUB_REPOSITORY",
        "CI_PROJECT_PATH",
        "BITBUCKET_REPO_FULL_NAME",
        "BUILD_REPOSITORY_NAME",
        "BUILDKITE_PIPELINE_SLUG",
        "CIRCLE_PROJECT_REPONAME",
    ];

    /// `--state` as it was written: it may hold a password.
    #[derive(Clone, PartialEq, Eq)]
    pub(crate) struct StateText(String);

    impl fmt::Debug for StateText {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("***")
        }
    }

    impl FromStr for StateText {
        type Err = std::convert::Infallible;

        fn from_str(text: &str) -> Result<Self, Self::Err> {
            Ok(Self(text.to_owned()))
        }
    }

    impl StateText {
        /// What it means for runs of this project, or of the one that this folder is in.
        pub(crate) fn location(&self, project: Option<&str>) -> Result<Location, Failure> {
            let Some(database) = self.database()? else { return Ok(Location::Folder((&self.0).into())) };
            let project = project.map(str::to_owned).or_else(of_environment).or_else(of_folder);
            let project = project.ok_or_else(|| {
                Failure::usage("whose runs are meant in the shared ledger cannot be told")
                    .help("name the project: --project OWNER/REPO")
            })?;
            Ok(Location::Database(Box::new(database.of_project(Some(project)))))
        }

        /// The flag that says the same; none where the variable does.
        pub(crate) fn flag(&self) -> Option<String> {
            let is_of_variable = std::env::var(VARIABLE).is_ok_and(|text| text == self.0);
            (!is_of_variable).then(|| format!("--state {}", quoted(Path::new(&self.0))))
        }

        /// The database; none where it is a folder.
        pub(crate) fn database(&self) -> Result<Option<Database>, Failure> {
            let is_of_variable = std::env::var(VARIABLE).is_ok_and(|text| text == self.0);
            if is_of_variable { self.parsed() } else { self.is_free_of_secrets() }
        }

        fn parsed(&self) -> Result<Option<Database>, Failure> {
            let address = Database::is_address(&self.0).then(|| Database::parse(&self.0));
            address.transpose().map_err(Failure::usage)
        }

        /// Refuses a password, whichever variable it was taken from: this stands on a command line.
        pub(crate) fn is_free_of_secrets(&self) -> Result<Option<Database>, Failure> {
            let database = self.parsed()?;
            if database.as_ref().is_some_and(Database::has_password) {
                return Err(Failure::usage("a command line shows the database's password to everybody").help(
                    "set JULES_BATCH_STATE in place of --state, or leave the password out and set PGPASSWORD, \
                     PGPASSFILE or JULES_BATCH_STATE_PASSWORD_FILE",
                ));
            }
            Ok(database)
        }
    }

    fn of_environment() -> Option<String> {
        let said = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
        PROJECTS.iter().find_map(said)
    }

    fn of_folder() -> Option<String> {
        project_of(&std::env::current_dir().ok()?)
    }
}
