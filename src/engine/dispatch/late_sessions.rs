//! The late sessions that were told.

use std::collections::HashSet;

use crate::outcome::LateSession;
use jules::SessionId;

/// Those that were told.
#[derive(Debug, Default)]
pub(super) struct LateSessions {
    pub(super) told: HashSet<SessionId>,
    /// Nobody has said yet what they are.
    pub(super) open: Vec<LateSession>,
}
