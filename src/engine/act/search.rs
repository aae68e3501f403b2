//! The search for a session whose marker is known.

use jiff::Timestamp;

use super::{get, list};
use crate::engine::ask::Ask;
use crate::engine::input::{Listed, RequestFailure, Seen};
use crate::outcome::Marker;
use jules::Jules;

/// How many sessions with the marker that is searched for are read by themselves, until one of them is it.
const MAX_BEARERS: usize = 25;

/// What can be the session of this marker. The list may leave out what it was asked, which its own answer may tell.
pub(super) async fn search(
    api: &Jules,
    since: Timestamp,
    marker: &Marker,
    ask: &Ask,
) -> Result<Listed, RequestFailure> {
    let mut listed = list(api, since).await?;
    let is_bearer = |seen: &Seen| seen.marker().is_some_and(|other| other.is_same(marker));
    let bearers = listed.found.iter_mut().filter(|seen| is_bearer(seen));
    for seen in bearers.filter(|seen| seen.is_asked(ask).is_none()).take(MAX_BEARERS) {
        if let Ok(read) = get(api, &seen.id).await {
            seen.ask = read.ask;
        }
        if seen.is_asked(ask) == Some(true) {
            break;
        }
    }
    Ok(listed)
}
