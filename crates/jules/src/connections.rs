//! Connections that answer: one that has fallen silent is found out and left.
//!
//! HTTP/2 keeps to one connection as long as nothing closes it. When the other end is gone without a word (a router that
//! forgot it, a machine that slept), every request on it runs into its time limit, and none opens another. So idle and
//! busy connections are pinged, and after two reads in a row without an answer the next request goes out on a fresh one.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect};

use super::error::ErrorKind;
use super::{Error, Method, RequestKind};

/// A connection on which nothing has come for so long is pinged.
const PING_AFTER: Duration = Duration::from_secs(20);

/// It is closed when the ping is not answered within this; both together are less than a request's time limit.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads without an answer, one after the other, before connections are given up.
const SILENT_READS: u32 = 2;

/// Makes the beginnings of an HTTP client.
pub(super) struct MakeHttp(Box<dyn Fn() -> ClientBuilder + Send + Sync>);

impl MakeHttp {
    pub(super) fn new(make: impl Fn() -> ClientBuilder + Send + Sync + 'static) -> Self {
        Self(Box::new(make))
    }

    fn make(&self) -> ClientBuilder {
        (self.0)()
    }
}

impl Default for MakeHttp {
    fn default() -> Self {
        Self::new(Client::builder)
    }
}

impl fmt::Debug for MakeHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MakeHttp")
    }
}

/// With what holds for every client: redirects are not followed (they would carry the key to another host), no referrer
/// is sent, nothing is sent again behind our back, and HTTP/2 connections are pinged, also while idle.
fn guarded(http: ClientBuilder) -> ClientBuilder {
    http.redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .http2_keep_alive_interval(PING_AFTER)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .http2_keep_alive_while_idle(true)
}

/// The connections in use, and how to make fresh ones.
pub(super) struct Connections {
    make: Box<dyn Fn() -> Result<Client, reqwest::Error> + Send + Sync>,
    present: Mutex<Present>,
}

struct Present {
    client: Client,
    silence: Silence,
}

impl Connections {
    /// `adjust` has the last word on each client.
    pub(super) fn new(
        make: MakeHttp,
        adjust: impl Fn(ClientBuilder) -> ClientBuilder + Send + Sync + 'static,
    ) -> Result<Self, reqwest::Error> {
        let make = Box::new(move || adjust(guarded(make.make())).build());
        let present = Mutex::new(Present { client: make()?, silence: Silence::default() });
        Ok(Self { make, present })
    }

    /// What to send the next request with, and which one of the clients so far that is.
    pub(super) fn current(&self) -> (Client, u64) {
        let present = self.present();
        (present.client.clone(), present.silence.generation)
    }

    /// How often fresh connections were made.
    pub(super) fn reconnects(&self) -> u64 {
        self.present().silence.generation
    }

    /// What became of a request that was sent with a client of this generation.
    pub(super) fn heard(&self, generation: u64, method: Method, error: Option<&Error>) {
        let mut present = self.present();
        if !present.silence.heard(generation, method, error) {
            return;
        }
        match (self.make)() {
            Ok(client) => {
                present.client = client;
                present.silence = Silence { generation: generation + 1, reads: 0 };
                tracing::warn!(
                    "{SILENT_READS} reads in a row had no answer: going on with a fresh connection"
                );
            }
            Err(error) => tracing::warn!(%error, "cannot make a fresh connection in place of a silent one"),
        }
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        // Both parts are replaced whole, so they are good even if a thread died holding the lock.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts reads without an answer: plain decisions, no waiting.
#[derive(Clone, Copy, Debug, Default)]
struct Silence {
    /// Counts the clients: what was sent with an older one says nothing about the present one.
    generation: u64,
    /// Reads in a row that had no answer.
    reads: u32,
}

impl Silence {
    /// Whether fresh connections are called for after this.
    fn heard(&mut self, generation: u64, method: Method, error: Option<&Error>) -> bool {
        if generation != self.generation {
            return false;
        }
        match error.map(Error::kind) {
            // A write may take long for reasons of its own.
            Some(ErrorKind::Timeout(_)) => {
                let is_read = matches!(method.kind(), RequestKind::Reads | RequestKind::Activities);
                self.reads += u32::from(is_read);
            }
            None | Some(ErrorKind::Refused(_)) => self.reads = 0,
            // Without an answer, but not silent either.
            Some(_) => {}
        }
        self.reads >= SILENT_READS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refusal;

    const READ: Method = Method::GetSession;

    fn timeout() -> Option<Error> {
        Some(Error::new(READ, ErrorKind::Timeout(PING_AFTER)))
    }

    fn heard(silence: &mut Silence, method: Method, error: Option<&Error>) -> bool {
        silence.heard(silence.generation, method, error)
    }

    #[test]
    fn two_silent_reads_in_a_row_are_enough() {
        let refused = || Some(Error::new(READ, ErrorKind::Refused(Refusal::new(503, None))));
        for answer in [None, refused()] {
            let mut silence = Silence::default();
            assert!(!heard(&mut silence, READ, timeout().as_ref()));
            assert!(!heard(&mut silence, READ, answer.as_ref()), "an answer is no silence");
            assert!(!heard(&mut silence, Method::ListActivities, timeout().as_ref()));
            assert!(heard(&mut silence, Method::ListSessions, timeout().as_ref()));
        }
    }

    #[test]
    fn writes_and_broken_connections_count_for_nothing() {
        let mut silence = Silence::default();
        for _ in 0..9 {
            assert!(!heard(&mut silence, Method::CreateSession, timeout().as_ref()));
            assert!(!heard(&mut silence, READ, Some(&Error::new(READ, ErrorKind::Interrupted))));
        }
    }

    #[test]
    fn what_an_older_connection_did_says_nothing_about_the_present_one() {
        let mut silence = Silence { generation: 1, reads: 1 };
        assert!(!silence.heard(0, READ, timeout().as_ref()));
        assert!(silence.heard(1, READ, timeout().as_ref()));
    }
}
