//! The service, played by a local HTTP server, and the part of GitHub where its pull requests are.
//!
//! The simulator answers the twelve methods of the Jules API over HTTP, with its paging, ordering, filters, quotas,
//! caps, errors and oddities. What sessions do is scripted by a [`Scenario`]; without one they behave well. It serves
//! tests, trial runs and benchmarks, which judge by its [`Statistics`].
//!
//! # How it works
//!
//! ```text
//! socket ─▶ server ─▶ service ─▶ account ─▶ session ─▶ life ◀─ timeline ◀─ behaviour ◀─ scenario
//! (resets)  (HTTP)  (keys, quotas, (slots,   (wire)   (plays)  (composes)    (rules)      (YAML)
//!                    faults,         pages)
//!                    statistics)
//! ```
//!
//! A session is a list of timed steps. Nothing runs between requests: each request first plays what has become due, so
//! ten thousand live sessions cost memory and no time. All decisions are plain methods that are told the time.
//!
//! # GitHub
//!
//! A session's pull request is on GitHub as well, at the same address: REST below `/` (and `/api/v3/`), GraphQL at `/graphql`
//! (and `/api/graphql`). There its checks run, people review, push and merge, and other repositories move, as the scenario
//! says; what happens there brings sessions back to work. It answers what whoever follows pull requests asks: queries over
//! a part of GitHub's own schema, and the REST operations that [`Simulator::github_url`] names.
//!
//! # Beside the API
//!
//! | address | answer |
//! | --- | --- |
//! | `GET /statistics` | [`Statistics`] as JSON |
//! | `GET /statistics/sessions` | the sessions that it counts, oldest first, as an array of [`SessionView`] |
//! | `GET /statistics/pulls` | every pull request, oldest first, as an array of [`PullRequestView`] |
//! | `POST /statistics/reset` | 204; counts start again, without the sessions up to now (the account keeps them) |
//!
//! `/books` in place of `/statistics` does the same.
//!
//! # Example
//!
//! ```no_run
//! use jules_simulator::{Scenario, Simulator};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let scenario = Scenario::from_yaml("{ speed: 60, limits: { concurrent: 3 } }", "example")?;
//! let simulator = Simulator::start(scenario).await?;
//! // … point a client at simulator.url() …
//! assert!(simulator.statistics().live_max <= 3);
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod account;
mod activity;
mod answer;
mod behaviour;
mod clock;
mod create;
mod dice;
mod earlier;
mod failure;
mod faults;
mod github;
mod life;
mod limits;
mod lists;
mod mask;
mod method;
mod mishap;
mod pattern;
mod request;
mod rule;
mod scenario;
#[cfg(feature = "schema")]
mod schema;
mod server;
mod service;
mod session;
mod socket;
mod sources;
mod span;
mod statistics;
mod text;
mod timeline;
#[cfg(feature = "tls")]
mod tls;
mod wake;

#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::{
    earlier::EarlierSession,
    github::{GitHubStatistics, HeadMessages, Merge, PullRequestView, SecondPullRequest, Write},
    scenario::{Scenario, ScenarioError},
    statistics::{Detection, Duplicate, SecondSession, SessionEnd, SessionView, SessionWake, Statistics},
};

use self::{
    clock::Clock,
    server::{Shared, VERSION},
    service::Service,
    socket::{Control, ControlledListener},
};

/// A running simulator. Dropping it stops it.
#[derive(Debug)]
pub struct Simulator {
    /// `http://127.0.0.1:PORT`.
    origin: String,
    #[cfg(feature = "tls")]
    certificate: Option<String>,
    shared: Shared,
    server: JoinHandle<()>,
    closing: DropGuard,
}

impl Simulator {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(scenario: Scenario) -> io::Result<Self> {
        Self::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), scenario).await
    }

    /// Starts on `address`.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(address: SocketAddr, scenario: Scenario) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        Ok(Self::serve(ControlledListener(listener), origin, scenario))
    }

    /// Starts on a free port of 127.0.0.1 and speaks TLS, with HTTP/2 to clients that can. The certificate is made for
    /// this simulator; a client has to be told to trust it.
    ///
    /// # Errors
    /// When no port can be had, or no certificate be made.
    #[cfg(feature = "tls")]
    pub async fn start_tls(scenario: Scenario) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let origin = format!("https://{}", listener.local_addr()?);
        let tls::Identity { acceptor, certificate } = tls::Identity::new()?;
        let listener = tls::TlsListener::new(ControlledListener(listener), acceptor);
        Ok(Self { certificate: Some(certificate), ..Self::serve(listener, origin, scenario) })
    }

    fn serve<L>(listener: L, origin: String, scenario: Scenario) -> Self
    where
        L: Listener<Addr: fmt::Debug>,
        Control: for<'a> Connected<IncomingStream<'a, L>>,
    {
        let clock = Clock::start(scenario.clock_ahead());
        let closing = CancellationToken::new();
        let scheme = if origin.starts_with("https:") { "https" } else { "http" };
        let service = Service::new(scenario, clock.now());
        let shared = Shared::new(service, clock, closing.clone(), scheme);
        let router = server::router(shared.clone()).into_make_service_with_connect_info::<Control>();
        let closed = closing.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            let serving = axum::serve(listener, router).with_graceful_shutdown(closed);
            if let Err(error) = serving.await {
                tracing::error!(%error, "the simulator has stopped serving");
            }
        });
        tracing::debug!(origin, "simulator listening");
        let closing = closing.drop_guard();
        Self {
            origin,
            #[cfg(feature = "tls")]
            certificate: None,
            shared,
            server,
            closing,
        }
    }

    /// The base URL for clients: `http://127.0.0.1:PORT/v1alpha`.
    pub fn url(&self) -> String {
        format!("{}{VERSION}", self.origin)
    }

    /// GitHub's address for clients of REST: `http://127.0.0.1:PORT`. GraphQL is at `/graphql` below it.
    ///
    /// REST has repositories, their activity, branches and check runs; pull requests (list, get, update, merge, update
    /// branch, reviews, commits), comments, the user and the rate limit. A client that wants to speak to a host of its own,
    /// such as `gh` to `github.localhost`, takes it as its HTTP proxy.
    pub fn github_url(&self) -> &str {
        &self.origin
    }

    /// The certificate of a simulator that speaks TLS, as PEM.
    #[cfg(feature = "tls")]
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Connects these repositories, `owner/repo`, where its scenario connects whatever is asked for.
    pub fn connect(&self, repositories: impl IntoIterator<Item = impl AsRef<str>>) {
        self.shared.look(|service, _| service.connect(repositories));
    }

    /// `owner/repo` of every connected repository.
    pub fn repositories(&self) -> Vec<String> {
        self.shared.look(|service, _| service.repositories())
    }

    /// Takes up sessions that another simulator has begun; without effect once it has created one of its own. They are
    /// not in the statistics.
    pub fn take_up(&self, earlier: Vec<EarlierSession>) {
        self.shared.look(|service, now| service.take_up(earlier, now));
    }

    /// What it has seen so far.
    pub fn statistics(&self) -> Statistics {
        self.shared.look(Service::statistics)
    }

    /// The sessions that the statistics count, oldest first.
    pub fn sessions(&self) -> Vec<SessionView> {
        self.shared.look(Service::views)
    }

    /// Every pull request on GitHub, oldest first.
    pub fn pull_requests(&self) -> Vec<PullRequestView> {
        self.shared.look(Service::pull_requests)
    }

    /// Stops listening, ends stuck answers, lets running ones finish for up to two seconds, and returns.
    pub async fn shutdown(self) {
        let Self { mut server, closing, .. } = self;
        drop(closing);
        if tokio::time::timeout(Duration::from_secs(2), &mut server).await.is_err() {
            server.abort();
        }
    }
}

/// The example of README.md, which compiles with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
