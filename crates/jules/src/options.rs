//! What can differ between handles of one client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::{Departure, Gate, Method, Retries};

/// What is done with each request before it leaves.
#[derive(Clone)]
pub(super) struct RequestHook(Arc<dyn Fn(&mut reqwest::Request) + Send + Sync>);

impl RequestHook {
    pub(super) fn call(&self, request: &mut reqwest::Request) {
        (self.0)(request);
    }
}

impl fmt::Debug for RequestHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestHook")
    }
}

/// Headers of the caller's, which may be secrets: only their names are printed.
#[derive(Clone, Default)]
pub(super) struct Headers(HeaderMap);

impl Headers {
    pub(super) fn map(&self) -> HeaderMap {
        self.0.clone()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Settings of a handle; see [`Jules::with`](super::Jules::with) and [`JulesBuilder::options`](super::JulesBuilder).
///
/// ```
/// use std::time::Duration;
/// # fn example(jules: &jules::Jules) {
/// let patient = jules.with(|options| options.request_timeout(Duration::from_secs(120)));
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    request_timeout: Option<Duration>,
    create_timeout: Option<Duration>,
    pub(super) hook: Option<RequestHook>,
    pub(super) send_within: Option<Duration>,
    pub(super) send_promptly: Option<Duration>,
    pub(super) gate: Option<Gate>,
    pub(super) departure: Option<Departure>,
    pub(super) tells_outage: bool,
    pub(super) stall_timeout: Duration,
    pub(super) max_body: usize,
    pub(super) retries: Retries,
    pub(super) poll_interval: Duration,
    pub(super) settle: Duration,
    pub(super) fresh_patience: Duration,
    pub(super) looks: u32,
    pub(super) look_delay: Duration,
    pub(super) wait_timeout: Option<Duration>,
    pub(super) user_agent: HeaderValue,
    pub(super) headers: Headers,
}

impl Options {
    /// One request, from its first byte out to its last byte in: 30 s.
    pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
    /// The same for a create, which the service takes longer for, and whose answer is dearer: 120 s.
    pub const CREATE_TIMEOUT: Duration = Duration::from_secs(120);
    /// The longest silence within an answer's body: 15 s.
    pub const STALL_TIMEOUT: Duration = Duration::from_secs(15);
    /// The longest answer, decompressed: 64 MiB.
    pub const MAX_BODY: usize = 64 << 20;
    /// The distance between two looks at a session: 5 s.
    pub const POLL_INTERVAL: Duration = Duration::from_secs(5);
    /// How long late outputs are waited for after `COMPLETED`: 30 s.
    pub const SETTLE: Duration = Duration::from_secs(30);
    /// How long the service may take to catch up with a creation or a message: 2 min.
    pub const FRESH_PATIENCE: Duration = Duration::from_secs(120);
    /// How often a create in doubt is looked for before it counts as not created: 3.
    pub const LOOKS: u32 = 3;
    /// The pause between two looks for a create in doubt: 10 s.
    pub const LOOK_DELAY: Duration = Duration::from_secs(10);
    /// The limit of every waiting call that is given none of its own: 2 h.
    pub const WAIT_TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);

    /// The limit for one request, from its first byte out to its last byte in. Default 30 s, and 120 s for a create; this one
    /// is for creates as well, unless they have [their own](Self::create_timeout).
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.request_timeout = Some(limit);
        self
    }

    /// The limit for one create. One that is cut off is in doubt, and is looked for. Default 120 s.
    pub fn create_timeout(mut self, limit: Duration) -> Self {
        self.create_timeout = Some(limit);
        self
    }

    /// The limit for a request to this method.
    pub(super) fn limit_of(&self, method: Method) -> Duration {
        let of_creates = (method == Method::CreateSession)
            .then(|| self.create_timeout.or(self.request_timeout).unwrap_or(Self::CREATE_TIMEOUT));
        of_creates.unwrap_or(self.request_timeout.unwrap_or(Self::REQUEST_TIMEOUT))
    }

    /// Called with every request right before it leaves, each further attempt included: to replace the key when it is rotated
    /// (header `x-goog-api-key`, marked as sensitive), to add a header that changes, to record what is sent, its body included
    /// ([`reqwest::Body::as_bytes`]). It must not block. A body that it puts in place has to have bytes, and not be a stream.
    /// Answers are read without the client's own key and what it [hides](super::JulesBuilder::hide); another key that is set
    /// here should be hidden as well. Default: none.
    ///
    /// ```
    /// # fn example(jules: &jules::Jules) {
    /// let counted = jules.with(|options| options.on_request(|request| println!("{}", request.url().path())));
    /// # }
    /// ```
    pub fn on_request(mut self, hook: impl Fn(&mut reqwest::Request) + Send + Sync + 'static) -> Self {
        self.hook = Some(RequestHook(Arc::new(hook)));
        self
    }

    /// How long a request may wait for its turn (quotas, and pauses after answers 429) before it is given up, surely
    /// unsent, with [`ErrorKind::NotSent`](super::ErrorKind::NotSent). `None`, the default, waits as long as it takes.
    pub fn send_within(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.send_within = limit.into();
        self
    }

    /// How long after its turn has come a write with a body (a create, a message, an approval, an archiving) may leave;
    /// later it is not sent, and ends with [`ErrorKind::TooLate`](super::ErrorKind::TooLate), surely without effect.
    ///
    /// It is looked at where the connection takes the body, by a clock that goes on while the process is stopped and the
    /// machine sleeps: whoever wakes up sends nothing that was decided before. `None`, the default, sends at any time.
    pub fn send_promptly(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.send_promptly = limit.into();
        self
    }

    /// Requests that have not been sent when this gate closes are given up, surely unsent, with
    /// [`ErrorKind::NotSent`](super::ErrorKind::NotSent). Default: none.
    pub fn send_through(mut self, gate: impl Into<Option<Gate>>) -> Self {
        self.gate = gate.into();
        self
    }

    /// Where it is noted when a request leaves. Default: nowhere.
    pub fn tell_departure(mut self, departure: impl Into<Option<Departure>>) -> Self {
        self.departure = departure.into();
        self
    }

    /// Whether requests that fail are part of an [`outage`](super::Jules::outage), as by default; `false` is for those whose
    /// answers nothing depends on.
    pub fn tell_outage(mut self, tell: bool) -> Self {
        self.tells_outage = tell;
        self
    }

    /// The longest silence within an answer's body. Default 15 s.
    pub fn stall_timeout(mut self, limit: Duration) -> Self {
        self.stall_timeout = limit;
        self
    }

    /// The longest answer that is read, in bytes after decompression. Default 64 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// How failed requests are sent again. Default: [`Retries::default`], five attempts.
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// The distance between two looks at a session. Default 5 s.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How long outputs are waited for after a session has `COMPLETED` without any, or without the pull request that it
    /// was asked for. Default 30 s.
    pub fn settle(mut self, grace: Duration) -> Self {
        self.settle = grace;
        self
    }

    /// How long the service may take to catch up: so long after a creation a 404 counts as "not yet", and so long after
    /// a question to an ended session that session's end is not believed. Default 2 min.
    pub fn fresh_patience(mut self, patience: Duration) -> Self {
        self.fresh_patience = patience;
        self
    }

    /// How often a create in doubt is looked for, and the pause between two looks, before it counts as not created. Default 3,
    /// 10 s; 0 looks count as 1. Looks that fail or prove nothing do not count; after ten minutes of them the call ends with
    /// [`ErrorKind::InDoubt`](super::ErrorKind::InDoubt).
    pub fn looks(mut self, looks: u32, delay: Duration) -> Self {
        (self.looks, self.look_delay) = (looks, delay);
        self
    }

    /// The limit of waiting calls that are given none of their own; `None` waits for ever. Default 2 h. Streams are
    /// not waiting calls: they have no limit unless they are given one.
    pub fn wait_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.wait_timeout = limit.into();
        self
    }

    /// The `User-Agent`. Default `jules/{version}`.
    pub fn user_agent(mut self, value: HeaderValue) -> Self {
        self.user_agent = value;
        self
    }

    /// An additional header on every request. The key's, `Accept`, `Content-Type` and `User-Agent` cannot be replaced
    /// through it.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.0.insert(name, value);
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            request_timeout: None,
            create_timeout: None,
            hook: None,
            send_within: None,
            send_promptly: None,
            gate: None,
            departure: None,
            tells_outage: true,
            stall_timeout: Self::STALL_TIMEOUT,
            max_body: Self::MAX_BODY,
            retries: Retries::default(),
            poll_interval: Self::POLL_INTERVAL,
            settle: Self::SETTLE,
            fresh_patience: Self::FRESH_PATIENCE,
            looks: Self::LOOKS,
            look_delay: Self::LOOK_DELAY,
            wait_timeout: Some(Self::WAIT_TIMEOUT),
            user_agent: HeaderValue::from_static(concat!("jules/", env!("CARGO_PKG_VERSION"))),
            headers: Headers::default(),
        }
    }
}
