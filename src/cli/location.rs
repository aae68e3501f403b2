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
        if let Some(state) = self.state.as_ref().filter(|state| !state.is_blank()) {
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
    use crate::manifest::{project_at, project_called, project_of};

    /// The variable of the flag: it may hold a password, which a command line would show to everybody.
    const VARIABLE: &str = "JULES_BATCH_STATE";

    /// The project that a text tells.
    type Reading = fn(&str) -> Option<String>;

    /// What CI systems say of the project: its name, in two variables at times, or its repository's address, where the name
    /// that they have for it lacks the owner.
    const PROJECTS: [(&[&str], Reading); 6] = [
        (&["GITHUB_REPOSITORY"], project_called),
        (&["CI_PROJECT_PATH"], project_called),
        (&["BITBUCKET_REPO_FULL_NAME"], project_called),
        (&["BUILD_REPOSITORY_URI"], project_at),
        (&["BUILDKITE_REPO"], project_at),
        (&["CIRCLE_PROJECT_USERNAME", "CIRCLE_PROJECT_REPONAME"], project_called),
    ];

    /// `--state` as it was written, without blanks around it: it may hold a password.
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
            Ok(Self(text.trim().to_owned()))
        }
    }

    impl StateText {
        /// What the variable says; none where it says nothing.
        pub(crate) fn of_variable() -> Option<Self> {
            let text = std::env::var(VARIABLE).ok()?.trim().to_owned();
            (!text.is_empty()).then_some(Self(text))
        }

        /// Whether it says nothing, as a variable does that was given no value.
        pub(crate) fn is_blank(&self) -> bool {
            self.0.is_empty()
        }

        fn is_of_variable(&self) -> bool {
            Self::of_variable().as_ref() == Some(self)
        }

        /// What it means for runs of this project, or of the one that this folder is in.
        pub(crate) fn location(&self, project: Option<&str>) -> Result<Location, Failure> {
            let Some(database) = self.database()? else { return Ok(Location::Folder((&self.0).into())) };
            let said = project.and_then(project_called);
            let project = said.or_else(|| of_ci(|name| std::env::var(name).ok())).or_else(of_folder);
            let project = project.ok_or_else(|| {
                Failure::usage("whose runs are meant in the shared ledger cannot be told")
                    .help("name the project: --project OWNER/REPO")
            })?;
            Ok(Location::Database(Box::new(database.of_project(Some(project)))))
        }

        /// The flag that says the same; none where the variable does.
        pub(crate) fn flag(&self) -> Option<String> {
            (!self.is_of_variable()).then(|| format!("--state {}", quoted(Path::new(&self.0))))
        }

        /// The database; none where it is a folder.
        pub(crate) fn database(&self) -> Result<Option<Database>, Failure> {
            if self.is_of_variable() { self.parsed() } else { self.is_free_of_secrets() }
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

    /// What a CI system says. An empty variable says nothing.
    fn of_ci(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
        let said = |name: &&str| variable(name).filter(|value| !value.trim().is_empty());
        PROJECTS.iter().find_map(|(names, project)| {
            let parts: Option<Vec<String>> = names.iter().map(said).collect();
            project(&parts?.join("/"))
        })
    }

    fn of_folder() -> Option<String> {
        project_of(&std::env::current_dir().ok()?)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_project_is_the_same_by_its_ci_system_and_by_its_remote() {
            for (origin, said) in [
                ("https://github.com/Acme-Corp/Web.git", &[("GITHUB_REPOSITORY", "Acme-Corp/Web")][..]),
                ("git@github.com:acme-corp/web.git", &[("GITHUB_REPOSITORY", "Acme-Corp/Web")]),
                ("git@gitlab.com:acme/team/web.git", &[("CI_PROJECT_PATH", "acme/team/web")]),
                ("https://gitlab.com/Acme/team/web.git", &[("CI_PROJECT_PATH", "Acme/team/web")]),
                ("git@bitbucket.org:acme/web.git", &[("BITBUCKET_REPO_FULL_NAME", "acme/web")]),
                (
                    "git@ssh.dev.azure.com:v3/org/Proj/web",
                    &[
                        ("BUILD_REPOSITORY_NAME", "web"),
                        ("BUILD_REPOSITORY_URI", "https://org@dev.azure.com/org/Proj/_git/web"),
                    ],
                ),
                (
                    "https://dev.azure.com/org/proj/_git/web",
                    &[("BUILD_REPOSITORY_URI", "https://dev.azure.com/org/proj/_git/web")],
                ),
                (
                    "https://github.com/acme/web",
                    &[
                        ("BUILDKITE_PIPELINE_SLUG", "nightly"),
                        ("BUILDKITE_REPO", "git@github.com:acme/web.git"),
                    ],
                ),
                (
                    "git@github.com:Acme/web.git",
                    &[("CIRCLE_PROJECT_USERNAME", "Acme"), ("CIRCLE_PROJECT_REPONAME", "web")],
                ),
            ] {
                let known = |name: &str| said.iter().find(|(known, _)| *known == name);
                let of_ci = of_ci(|name| known(name).map(|(_, value)| (*value).to_owned()));
                assert!(of_ci.is_some(), "{said:?}");
                assert_eq!(of_ci, project_at(origin), "{said:?}");
            }
        }

        #[test]
        fn what_says_nothing_or_half_of_it_is_passed_over() {
            let only = |known: &'static str, value: &'static str| {
                of_ci(move |name| (name == known).then(|| value.to_owned()))
            };
            assert_eq!(only("GITHUB_REPOSITORY", " "), None);
            assert_eq!(only("CIRCLE_PROJECT_REPONAME", "web"), None);
            let database = |project| {
                let state: StateText = " postgres://u@localhost/x\n".parse().unwrap();
                state.location(Some(project))
            };
            assert_eq!(database(" Acme/Web ").unwrap().project(), Some("acme/web"));
            // What this checkout is called, if anything says so.
            assert!(
                database("").is_ok_and(|of_folder| of_folder.project() != Some("")) || of_folder().is_none()
            );
        }

        #[test]
        fn nothing_of_what_may_be_an_address_is_shown() {
            for text in ["host=127.0.0.1 password=hunter2 dbname=a", "jules:hunter2@127.0.0.1:5931/cas"] {
                let state: StateText = text.parse().unwrap();
                let refused = format!("{:?}", state.location(Some("o/r")).unwrap_err());
                assert!(refused.contains("postgres://") && !refused.contains("hunter2"), "{refused}");
            }
        }
    }
}
