//! The simulator with a runtime of its own, so that tests stay plain functions.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jules_simulator::{Scenario, SessionView, Simulator, Statistics};
use tokio::runtime::Runtime;

/// A running simulator on real sockets.
pub(crate) struct Service {
    // Dropped first: the simulator ends on the runtime that it was started on.
    pub(super) simulator: Simulator,
    runtime: Runtime,
}

impl Service {
    /// Starts it on a free port; the scenario is YAML.
    pub(crate) fn start(scenario: &str) -> Self {
        Self::begin(scenario, |scenario| Simulator::start(scenario).boxed())
    }

    /// The same behind TLS, where clients speak HTTP/2.
    pub(crate) fn start_tls(scenario: &str) -> Self {
        Self::begin(scenario, |scenario| Simulator::start_tls(scenario).boxed())
    }

    fn begin(
        scenario: &str,
        start: impl Fn(Scenario) -> BoxFuture<'static, std::io::Result<Simulator>>,
    ) -> Self {
        let scenario = Scenario::from_yaml(scenario, "the test's scenario").unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let simulator = runtime.block_on(start(scenario)).unwrap();
        Self { simulator, runtime }
    }

    /// The base URL.
    pub(crate) fn url(&self) -> String {
        self.simulator.url()
    }

    /// What clients must trust, as PEM, when it speaks TLS.
    pub(crate) fn certificate(&self) -> &str {
        self.simulator.certificate().unwrap()
    }

    /// What it has seen so far.
    pub(crate) fn statistics(&self) -> Statistics {
        self.simulator.statistics()
    }

    /// The sessions that were created, oldest first.
    pub(crate) fn sessions(&self) -> Vec<SessionView> {
        self.simulator.sessions()
    }

    /// Waits for a client's future on the service's runtime.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}
