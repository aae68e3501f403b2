//! GitHub, as far as whoever follows a session's pull request needs it: REST and GraphQL over one world.
//!
//! ```text
//! request ─▶ github ─▶ viewer ─▶ faults ─▶ limits ─▶ rest ─────┐
//!            (headers)  (token)                      graphql ──┼▶ acts ─▶ world ◀─ script
//!                                                              └▶ standing
//! ```
//!
//! As with sessions nothing runs between requests: what has become due is played first.

mod actor;
mod acts;
mod books;
mod branches;
mod check;
mod deed;
mod doing;
mod graphql;
mod ids;
mod limits;
mod mishaps;
mod operation;
mod pull;
mod repository;
mod rest;
mod rules;
mod script;
mod serving;
mod standing;
mod viewer;
mod words;
mod world;

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;

use super::{faults::Faults, sources::Sources, statistics::Tally};

pub use self::books::{GitHubStatistics, HeadMessages, Merge, PullRequestView, SecondPullRequest, Write};
#[cfg(feature = "schema")]
pub(super) use self::script::Word;
pub(super) use self::{
    operation::Operation,
    pull::ChangedFile,
    script::{PullScript, Script},
    world::{Opening, Stir},
};

use self::{
    branches::NewHead,
    limits::Limits,
    pull::PullIx,
    world::{Known, World},
};

/// A request to GitHub as it came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct AskedOfGitHub<'a> {
    pub(super) verb: &'a str,
    /// Without the slash in front.
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) authorization: Option<&'a str>,
    /// The header `If-None-Match`.
    pub(super) known: Option<&'a str>,
    /// The address that the client calls: `http://127.0.0.1:1234`.
    pub(super) origin: &'a str,
    pub(super) body: &'a [u8],
}

/// What else a request may need.
pub(super) struct Beside<'a> {
    pub(super) sources: &'a mut Sources,
    pub(super) faults: &'a mut Faults,
    pub(super) tally: &'a mut Tally,
}

/// GitHub with what stands in front of it.
#[derive(Debug)]
pub(super) struct GitHub {
    world: World,
    limits: Limits,
    requests: u64,
    /// Made when the first query comes.
    schema: OnceLock<graphql::Schema>,
    /// Words that the scenario makes up, beside their enums.
    made_up: BTreeSet<(&'static str, Arc<str>)>,
}

impl GitHub {
    /// `scripts` are those of the sessions' pull requests.
    pub(super) fn new<'a>(
        script: Script,
        scripts: impl Iterator<Item = &'a PullScript>,
        (speed, seed): (f64, u64),
        now: Timestamp,
    ) -> Self {
        let limits = Limits::new(script.limits.clone(), speed);
        let mut made_up: BTreeSet<_> = scripts.flat_map(PullScript::made_up).collect();
        made_up.extend(script.pull_scripts().flat_map(PullScript::made_up));
        Self {
            world: World::new(script, speed, seed, now),
            limits,
            requests: 0,
            schema: OnceLock::new(),
            made_up,
        }
    }

    pub(super) fn next_turn(&self) -> Option<Timestamp> {
        self.world.next_turn()
    }

    /// Lets everything happen that is due until `now`; what sessions are to hear of it.
    pub(super) fn settle(&mut self, now: Timestamp) -> Vec<Stir> {
        self.world.settle(now);
        self.stirs()
    }

    /// What sessions have not heard of yet.
    pub(super) fn stirs(&mut self) -> Vec<Stir> {
        std::mem::take(&mut self.world.stirs)
    }

    /// A session opens a pull request in the repository `full_name`; its number.
    pub(super) fn open(&mut self, full_name: &str, opening: Opening, sources: &mut Sources) -> u64 {
        let repository = find(&mut self.world, sources, full_name).unwrap_or_else(|| {
            let known = Known { full_name, default_branch: &opening.base, is_private: false };
            self.world.repository(known)
        });
        let author = match opening.script.author.unwrap_or_default() {
            script::Author::Jules => actor::Actor::jules(),
            script::Author::User => self.world.user.clone(),
        };
        self.world.open(repository, opening, author)
    }

    /// The session at this place pushes to the branch of its last pull request, which then changes `files`.
    pub(super) fn push(&mut self, session: usize, files: Vec<ChangedFile>, at: Timestamp) {
        let Some(ix) = self.world.last_of(session) else { return };
        self.world.pulls[ix.0].files = files;
        let message = "Address the feedback".to_owned();
        let by = actor::Actor::jules();
        self.world.push(ix, NewHead { by, at, is_forced: false, message, starts_workflows: true });
    }

    /// Notes that the session at this place, with this id, was sent a message.
    pub(super) fn messaged(&mut self, session: usize, id: &str) {
        self.world.note_message(session, id);
    }

    pub(super) fn statistics(&self) -> GitHubStatistics {
        self.world.books.statistics()
    }

    /// Counts start again.
    pub(super) fn reset(&mut self) {
        self.world.books = books::Books::default();
    }

    /// Every pull request, oldest first; `id` tells the id of the session at a place.
    pub(super) fn views(&self, now: Timestamp, id: impl Fn(usize) -> Option<String>) -> Vec<PullRequestView> {
        let view = |ix: usize| {
            let session = self.world.pulls[ix].session.and_then(&id);
            self.world.view(PullIx(ix), session, now)
        };
        (0..self.world.pulls.len()).map(view).collect()
    }
}

/// The repository of this name, if GitHub has it or the account knows it.
fn find(world: &mut World, sources: &mut Sources, full_name: &str) -> Option<pull::RepositoryIx> {
    if let Some(found) = world.named(full_name) {
        return Some(found);
    }
    let source = sources.find(&format!("sources/github/{full_name}"))?;
    let (default_branch, is_private) = (source.default_branch().to_owned(), source.is_private());
    let known = Known { full_name, default_branch: &default_branch, is_private };
    world.repository(known);
    world.named(full_name)
}
