//! The service and GitHub: what happens in one half is told to the other.

use jiff::Timestamp;

use super::{
    super::{
        account::OnGitHub,
        answer::Served,
        github::{AskedOfGitHub, Beside, PullRequestView, Stir},
    },
    Service,
};

impl Service {
    /// Lets both halves come as far as `now`, in the order of what happens: each can be the cause of the other's.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.tell_github();
        loop {
            let next = [self.account.next_turn(), self.github.next_turn()].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= now) else { return };
            self.account.settle(at);
            self.tell_github();
            let stirs = self.github.settle(at);
            self.tell_sessions(stirs);
        }
    }

    /// What sessions did appears on GitHub.
    fn tell_github(&mut self) {
        let account = &mut self.account;
        for deed in account.take_deeds() {
            let session = &account.sessions[deed.place];
            match deed.what {
                OnGitHub::Opens(n) => {
                    let opening = session.opening(deed.place, n);
                    let repo = session.repo().unwrap_or_default().to_owned();
                    let number = self.github.open(&repo, opening, &mut account.sources);
                    account.sessions[deed.place].pulls.push(number);
                }
                OnGitHub::Pushes(n) => {
                    let files = session.changed_files(u32::try_from(n).unwrap_or(u32::MAX));
                    self.github.push(deed.place, files, deed.at);
                }
            }
        }
    }

    fn tell_sessions(&mut self, stirs: Vec<Stir>) {
        for stir in stirs {
            self.account.stir(stir.session, stir.wake, stir.at);
        }
    }

    /// Answers a request to GitHub at `now`.
    pub(in super::super) fn serve_github(&mut self, asked: AskedOfGitHub<'_>, now: Timestamp) -> Served {
        self.pass(now);
        let mut beside =
            Beside { sources: &mut self.account.sources, faults: &mut self.faults, tally: &mut self.tally };
        let served = self.github.serve(asked, now, &mut beside);
        let stirs = self.github.stirs();
        self.tell_sessions(stirs);
        served
    }

    /// Every pull request, oldest first.
    pub(in super::super) fn pull_requests(&mut self, now: Timestamp) -> Vec<PullRequestView> {
        self.pass(now);
        let sessions = &self.account.sessions;
        self.github.views(now, |place| sessions.get(place).map(|session| session.id.clone()))
    }
}
