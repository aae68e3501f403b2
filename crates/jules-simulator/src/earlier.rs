//! What an account has from before the simulator started.

use jiff::Timestamp;

use super::{account::Account, clock::cut, create::Create};

/// A session that another simulator has begun: it goes on as the service's do while nobody looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierSession {
    /// Its id.
    pub id: String,
    /// The body of its create, as JSON.
    pub body: String,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Account {
    /// Takes up earlier sessions, oldest first, and says how many. One whose id is taken, or whose create this account
    /// would refuse, is left out.
    pub(super) fn take_up(&mut self, mut earlier: Vec<EarlierSession>, now: Timestamp) -> usize {
        let before = self.sessions.len();
        earlier.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        for EarlierSession { id, body, created_at } in earlier {
            let Ok(create) = Create::read(body.as_bytes()) else { continue };
            let Ok(doom) = self.check_source(create.source.as_ref()) else { continue };
            if self.peek(&id).is_some() {
                continue;
            }
            let behaviour = self.behaviour_of(&create);
            self.add(Some(id), create, body.into(), behaviour, doom, cut(created_at.min(now), 6));
        }
        self.settle(now);
        self.live_max = self.live_max.max(self.live);
        self.sessions.len() - before
    }

    /// Connects these repositories, `owner/repo`, as asking for them would.
    pub(super) fn connect(&mut self, repositories: impl IntoIterator<Item = impl AsRef<str>>) {
        for repository in repositories {
            self.sources.find(&format!("sources/github/{}", repository.as_ref()));
        }
    }
}
