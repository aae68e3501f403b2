//! Repositories and pull requests, as far as time has come.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    clock::{earlier, later},
    dice::Dice,
    span::Span,
};

use super::{
    actor::Actor,
    books::Books,
    branches::NewHead,
    deed::DeedScript,
    ids::{self, NodeId},
    pull::{ChangedFile, Mergeability, Pull, PullIx, RepositoryIx, Shown},
    repository::{PushKind, Repository},
    rules::OtherScript,
    script::{PullScript, Script},
    standing::Standing,
    words::{MergeMethod, Permission, Rollup},
};

/// All that GitHub has.
#[derive(Debug)]
pub(super) struct World {
    pub(super) script: Arc<Script>,
    /// Who started the sessions.
    pub(super) user: Actor,
    pub(super) speed: f64,
    dice: Dice,
    pub(super) started: Timestamp,
    pub(super) repositories: Vec<Repository>,
    names: HashMap<String, RepositoryIx>,
    pub(super) pulls: Vec<Pull>,
    /// The last one of each session, by the session's place.
    by_session: HashMap<usize, PullIx>,
    /// Those of each task, oldest first.
    pub(super) by_task: HashMap<u64, Vec<PullIx>>,
    agenda: BTreeMap<(Timestamp, u64), Todo>,
    planned: u64,
    /// What the service of the sessions is to hear of.
    pub(super) stirs: Vec<Stir>,
    pub(super) comments: u64,
    pub(super) books: Books,
}

/// What is going to happen.
#[derive(Debug, Clone, Copy)]
pub(super) enum Todo {
    /// A deed of the pull request's script.
    Deed(PullIx, usize),
    /// A check of a head ends.
    Checked(PullIx, usize),
    /// The merge queue is through with an entry that was made at that head.
    QueueDone(PullIx, usize),
    BaseMoves(RepositoryIx),
    Rename(RepositoryIx),
    Archive(RepositoryIx),
    Delete(RepositoryIx),
}

/// Something that can bring a session back to work.
#[derive(Debug, Clone)]
pub(crate) struct Stir {
    /// The session's place.
    pub(crate) session: usize,
    pub(crate) at: Timestamp,
    pub(crate) wake: crate::wake::Wake,
}

/// A pull request that is about to be there.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) base: String,
    pub(crate) branch: String,
    pub(crate) at: Timestamp,
    pub(crate) session: Option<usize>,
    pub(crate) task: Option<u64>,
    pub(crate) script: Arc<PullScript>,
    pub(crate) dice: Dice,
    pub(crate) files: Vec<ChangedFile>,
}

/// What the account knows of a repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// `owner/repo`.
    pub(crate) full_name: &'a str,
    pub(crate) default_branch: &'a str,
    pub(crate) is_private: bool,
}

impl World {
    pub(super) fn new(script: Script, speed: f64, seed: u64, now: Timestamp) -> Self {
        Self {
            user: Actor::named(&script.login),
            script: Arc::new(script),
            speed,
            dice: Dice::new(seed).with("github"),
            started: now,
            repositories: Vec::new(),
            names: HashMap::new(),
            pulls: Vec::new(),
            by_session: HashMap::new(),
            by_task: HashMap::new(),
            agenda: BTreeMap::new(),
            planned: 0,
            stirs: Vec::new(),
            comments: 0,
            books: Books::default(),
        }
    }

    /// When the next thing happens.
    pub(super) fn next_turn(&self) -> Option<Timestamp> {
        self.agenda.first_key_value().map(|((at, _), _)| *at)
    }

    /// Lets everything happen that is due until `now`.
    pub(super) fn settle(&mut self, now: Timestamp) {
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), todo) = entry.remove_entry();
            self.play(todo, at);
        }
    }

    pub(super) fn plan(&mut self, at: Timestamp, todo: Todo) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), todo);
    }

    /// A length of service time that these dice draw, in real time.
    pub(super) fn real(&self, span: Span, dice: Dice) -> Duration {
        span.draw(dice).div_f64(self.speed)
    }

    pub(super) fn standing(&self, pull: PullIx, now: Timestamp) -> Standing<'_> {
        let pull = &self.pulls[pull.0];
        Standing { repository: &self.repositories[pull.repository.0], pull, now }
    }

    pub(super) fn repository_of(&self, pull: PullIx) -> &Repository {
        &self.repositories[self.pulls[pull.0].repository.0]
    }

    /// A pull request's page: `https://github.com/OWNER/REPO/pull/N`.
    pub(super) fn url_of(&self, pull: PullIx) -> String {
        format!("{}/pull/{}", self.repository_of(pull).url(), self.pulls[pull.0].number)
    }

    /// A pull request's id in GraphQL.
    pub(super) fn id_of(&self, pull: PullIx) -> String {
        let digest = self.repository_of(pull).dice.nth(self.pulls[pull.0].number).bits();
        ids::pull(pull, usize::try_from(digest & 0x00ff_ffff).unwrap_or_default())
    }

    /// What has this id.
    pub(super) fn node(&self, id: &str) -> Option<NodeId> {
        ids::read(id).filter(|node| match *node {
            NodeId::Pull(ix) => ix.0 < self.pulls.len() && self.id_of(ix) == id,
            NodeId::Repository(ix) => ix.0 < self.repositories.len() && ids::repository(ix) == id,
        })
    }

    /// The repository that has this name, or had it.
    pub(super) fn named(&self, full_name: &str) -> Option<RepositoryIx> {
        let found = *self.names.get(&full_name.to_ascii_lowercase())?;
        (!self.repositories[found.0].is_deleted).then_some(found)
    }

    pub(super) fn numbered(&self, repository: RepositoryIx, number: u64) -> Option<PullIx> {
        let repository = &self.repositories[repository.0];
        let place = usize::try_from(number.checked_sub(repository.first_number)?).ok()?;
        repository.pulls.get(place).copied()
    }

    /// The last pull request of the session at this place.
    pub(super) fn last_of(&self, session: usize) -> Option<PullIx> {
        self.by_session.get(&session).copied()
    }

    /// The repository of this name, made if it is not there yet.
    pub(super) fn repository(&mut self, known: Known<'_>) -> RepositoryIx {
        let name = known.full_name.to_ascii_lowercase();
        if let Some(found) = self.names.get(&name) {
            return *found;
        }
        let script = self.script.repository(known.full_name);
        let made_at = earlier(self.started, Duration::from_secs(400 * 86_400));
        let ix = RepositoryIx(self.repositories.len());
        let repository =
            Repository::new(known.full_name, script, known.default_branch, known.is_private, made_at);
        let dice = repository.dice;
        let script = repository.script.clone();
        self.repositories.push(repository);
        self.names.insert(name, ix);
        let mut once = |span: Option<Span>, todo: Todo, what: &str| {
            if let Some(span) = span {
                let at = later(self.started, self.real(span, dice.with(what)));
                self.plan(at, todo);
            }
        };
        once(script.renamed.as_ref().map(|renamed| renamed.after), Todo::Rename(ix), "renamed");
        once(script.archived_after, Todo::Archive(ix), "archived");
        once(script.deleted_after, Todo::Delete(ix), "deleted");
        for other in &script.pull_requests {
            self.open_other(ix, other);
        }
        ix
    }

    fn open_other(&mut self, repository: RepositoryIx, other: &OtherScript) {
        let dice = self.repositories[repository.0].dice.with(&other.title);
        let age = self.real(other.opened.unwrap_or(Span::fixed(Duration::from_secs(3_600))), dice);
        let opening = Opening {
            title: other.title.clone(),
            body: other.body.clone(),
            base: self.repositories[repository.0].default_branch.clone(),
            branch: other.branch.clone().unwrap_or_else(|| crate::text::slug(&other.title)),
            at: earlier(self.started, age),
            session: None,
            task: None,
            script: Arc::new(other.then.clone()),
            dice,
            files: ChangedFile::of_patch(&crate::text::patch(&other.title, dice, 2)),
        };
        self.open(repository, opening, Actor::named(&other.author));
    }

    /// Opens a pull request; its number.
    pub(super) fn open(&mut self, repository: RepositoryIx, opening: Opening, author: Actor) -> u64 {
        let ix = PullIx(self.pulls.len());
        let its = &mut self.repositories[repository.0];
        let number = its.first_number + its.pulls.len() as u64;
        its.pulls.push(ix);
        let at = opening.at;
        let pusher = if opening.session.is_some() { Actor::jules() } else { author.clone() };
        let message = opening.title.clone();
        let pull = Pull {
            repository,
            number,
            title: opening.title,
            body: opening.body,
            author,
            base: opening.base,
            branch: opening.branch,
            session: opening.session,
            task: opening.task,
            is_draft: opening.script.draft == Some(true),
            script: opening.script,
            dice: opening.dice.with("pull").nth(number),
            opened_at: at,
            updated_at: at,
            edited_at: None,
            is_locked: false,
            closing: None,
            heads: Vec::new(),
            reviews: Vec::new(),
            comments: Vec::new(),
            labels: Vec::new(),
            timeline: Vec::new(),
            files: opening.files,
            mergeability: Mergeability::Unasked,
            has_conflict: false,
            is_behind: false,
            branch_deleted: false,
            auto_merge: None,
            queued: None,
            fixes: 0,
            shown: Shown::default(),
        };
        self.by_session.extend(pull.session.map(|session| (session, ix)));
        self.pulls.push(pull);
        self.push(ix, NewHead { by: pusher, at, is_forced: false, message, starts_workflows: true });
        self.plan_deeds(ix, None, at);
        self.move_base_later(repository, at);
        self.note_second(ix);
        number
    }

    /// Plans the deeds counted from the opening, or those counted from the head of that number.
    pub(super) fn plan_deeds(&mut self, pull: PullIx, head: Option<usize>, from: Timestamp) {
        let Pull { script, dice, .. } = &self.pulls[pull.0];
        let (script, dice) = (Arc::clone(script), *dice);
        for (place, deed) in script.deeds.iter().flatten().enumerate().filter(|(_, deed)| deed.head == head) {
            let dice = dice.with("deed").nth(place as u64);
            if dice.with("happens").unit() < deed.probability {
                let at = later(from, self.real(deed.after, dice));
                self.plan(at, Todo::Deed(pull, place));
            }
        }
    }

    fn play(&mut self, todo: Todo, at: Timestamp) {
        match todo {
            Todo::Deed(pull, place) => {
                let deed = self.pulls[pull.0].script.deeds.iter().flatten().nth(place).cloned();
                if let Some(deed) = deed {
                    self.do_deed(pull, &deed, at);
                }
            }
            Todo::Checked(pull, head) => self.checked(pull, head, at),
            Todo::QueueDone(pull, head) => self.queue_done(pull, head, at),
            Todo::BaseMoves(repository) => {
                self.repositories[repository.0].is_moving = false;
                let base = self.repositories[repository.0].default_branch.clone();
                self.move_base(repository, &base, Actor::named("bob"), at);
                self.move_base_later(repository, at);
            }
            Todo::Rename(repository) => self.rename(repository),
            Todo::Archive(repository) => self.repositories[repository.0].archived_at = Some(at),
            Todo::Delete(repository) => self.repositories[repository.0].is_deleted = true,
        }
    }

    fn rename(&mut self, ix: RepositoryIx) {
        let repository = &mut self.repositories[ix.0];
        let Some(renaming) = &repository.script.renamed else { return };
        let to = renaming.to.replace("{repo}", &repository.name);
        let Some((owner, name)) = to.split_once('/') else { return };
        repository.former.push(repository.full_name());
        (repository.owner, repository.name) = (owner.to_owned(), name.to_owned());
        self.names.insert(to.to_ascii_lowercase(), ix);
    }

    /// A check has ended: the service mends, and an armed merge may follow.
    fn checked(&mut self, ix: PullIx, head: usize, at: Timestamp) {
        let failed = self
            .standing(ix, at)
            .rollup_of(head)
            .is_some_and(|rollup| matches!(rollup, Rollup::Failure | Rollup::Error));
        let pull = &mut self.pulls[ix.0];
        let fixer = pull.script.ci_fixer.as_ref().filter(|fixer| pull.fixes < fixer.times);
        if let Some((fixer, session)) = fixer.zip(pull.session)
            && failed
            && pull.is_open()
            && head == pull.newest()
            && pull.head().by == Actor::jules()
        {
            self.stirs.push(Stir { session, at, wake: fixer.wake() });
            pull.fixes += 1;
        }
        self.follow_up(ix, at);
    }

    /// Merges it if a merge was armed and nothing stands against it any more.
    pub(super) fn follow_up(&mut self, ix: PullIx, at: Timestamp) {
        let Some(auto_merge) = self.pulls[ix.0].auto_merge.clone() else { return };
        if self.standing(ix, at).obstacle(false).is_some() {
            return;
        }
        if self.repository_of(ix).script.merge_queue.is_some() {
            self.enqueue(ix, auto_merge.by, at);
        } else {
            self.merge(ix, auto_merge.by, at, PushKind::Merge);
        }
    }

    /// A deed of the scenario, if the pull request is still as it needs it.
    fn do_deed(&mut self, ix: PullIx, deed: &DeedScript, at: Timestamp) {
        super::doing::perform(self, ix, deed, at);
        self.follow_up(ix, at);
    }

    /// Somebody asks whether it can be merged: GitHub begins to find out.
    pub(super) fn ask(&mut self, ix: PullIx, now: Timestamp) {
        let pull = &self.pulls[ix.0];
        if pull.mergeability != Mergeability::Unasked || !pull.is_open() {
            return;
        }
        let span = self.repository_of(ix).script.mergeable_after;
        let dice = pull.dice.with("mergeable").nth(pull.heads.len() as u64);
        let known = later(now, self.real(span, dice));
        self.pulls[ix.0].mergeability = Mergeability::KnownFrom(known);
    }

    /// What `login` may do in a repository, as far as its rules say.
    pub(super) fn permission(&self, ix: RepositoryIx) -> Permission {
        self.repositories[ix.0].script.permission
    }

    /// The way that its repository merges by default.
    pub(super) fn default_method(&self, pull: PullIx) -> MergeMethod {
        let methods = &self.repository_of(pull).script.methods;
        methods.first().copied().unwrap_or(MergeMethod::Merge)
    }

    pub(super) fn luck(&self, what: &str) -> Dice {
        self.dice.with(what)
    }
}
