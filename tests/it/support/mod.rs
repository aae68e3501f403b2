//! What every test stands on: a simulated service, a folder with a manifest, and the real binary between them.

mod between;
mod ended;
mod manifest;
mod pipe;
mod receiver;
mod redact;
mod relay;
mod runner;
pub(crate) mod rust;
mod server;
mod service;
mod terminal;
mod world;

pub(crate) use between::{Exchange, between, held, unpinned};
pub(crate) use ended::Ended;
pub(crate) use manifest::{Manifest, job, tasks};
pub(crate) use receiver::Receiver;
pub(crate) use redact::redacted;
pub(crate) use relay::Relay;
pub(crate) use runner::{Runner, Running, Signal, Stream};
pub(crate) use server::server;
pub(crate) use service::Service;
pub(crate) use terminal::Terminal;
pub(crate) use world::{KEY, World};

/// Checks all cases at once: most of a run is waiting.
pub(crate) fn at_once<C: Send>(cases: impl IntoIterator<Item = C>, check: impl Fn(C) + Sync) {
    let check = &check;
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || check(case));
        }
    });
}
