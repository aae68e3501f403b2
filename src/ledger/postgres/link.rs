//! The way to the server: statements in autocommit, asked from blocking code, answered on a thread of their own.

use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::address::{AddressError, Database};
use super::connect::{Turn, connect, is_lasting};
use crate::ledger::LedgerError;

/// How long a connection to one host may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a statement may take.
const STATEMENT: Duration = Duration::from_secs(60);
/// How often a question is repeated, and how long after the answer that failed.
const READS: usize = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// A value of a statement, with the type that the server takes it as.
pub(super) type Value = (Box<dyn ToSql + Sync + Send>, Type);

/// What a value is to the server.
pub(super) trait Typed: ToSql + Sync + Send + Sized + 'static {
    const TYPE: Type;

    /// As the server can keep it.
    fn kept(self) -> Self {
        self
    }
}

macro_rules! typed {
    ($($name:ty => $type:ident),+ $(,)?) => { $(impl Typed for $name { const TYPE: Type = Type::$type; })+ };
}
typed! {
    i64 => INT8, Option<i64> => INT8, Vec<i64> => INT8_ARRAY, Vec<Option<i64>> => INT8_ARRAY, i32 => INT4, bool => BOOL,
    Option<i32> => INT4,
}

/// A text of others may hold a NUL, which the server's texts cannot.
impl Typed for String {
    const TYPE: Type = Type::TEXT;

    fn kept(self) -> Self {
        if self.contains('\0') { self.replace('\0', "\u{FFFD}") } else { self }
    }
}

impl Typed for Option<String> {
    const TYPE: Type = Type::TEXT;

    fn kept(self) -> Self {
        self.map(Typed::kept)
    }
}

impl Typed for Vec<String> {
    const TYPE: Type = Type::TEXT_ARRAY;

    fn kept(self) -> Self {
        self.into_iter().map(Typed::kept).collect()
    }
}

impl Typed for Vec<Option<String>> {
    const TYPE: Type = Type::TEXT_ARRAY;

    fn kept(self) -> Self {
        self.into_iter().map(Typed::kept).collect()
    }
}

pub(super) fn value<T: Typed>(value: T) -> Value {
    (Box::new(value.kept()), T::TYPE)
}

/// The values of a statement, in its order.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$(crate::ledger::postgres::link::value($value)),*] };
}
pub(super) use values;

/// Why a statement has no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::ledger) enum LinkError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("the certificates cannot be read: {0}")]
    Certificates(String),
    #[error("{}", said(.0))]
    Server(tokio_postgres::Error),
    #[error("it does not answer")]
    Silent,
    #[error("its thread has ended")]
    Gone,
}

impl From<tokio_postgres::Error> for LinkError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

/// Whether the server wants a password, and there is none.
fn lacks_password(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_none()
        && error.source().is_some_and(|cause| cause.to_string() == "password missing")
}

/// What the server says; else what the connection came to, down to its cause.
fn said(error: &tokio_postgres::Error) -> String {
    let Some(it) = error.as_db_error() else {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        return causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    };
    let more = [it.detail(), it.hint()].into_iter().flatten();
    more.fold(it.message().to_owned(), |text, more| format!("{text}; {more}"))
}

/// Whether the server, or another one in its place, may say something else in a while. No such statement was carried out.
fn may_pass(code: &str) -> bool {
    // Connections; no room, too many of them; shutting down, starting up.
    ["08", "53", "57P"].iter().any(|class| code.starts_with(class))
        // Read only, as while it fails over; a bound on statements or on waiting for a lock; taken back in favour of another.
        || ["25006", "57014", "55P03", "40001", "40P01"].contains(&code)
}

impl LinkError {
    /// Whether the statement may have been carried out, or may be tried again on another connection.
    pub(in crate::ledger) fn is_of_connection(&self) -> bool {
        match self {
            Self::Silent => true,
            Self::Server(error) => error
                .code()
                .map_or_else(|| !lacks_password(error) && !is_lasting(error), |state| may_pass(state.code())),
            Self::Address(_) | Self::Certificates(_) | Self::Gone => false,
        }
    }

    /// What to do about what the server will say again; none of what may pass.
    fn way_out(&self, schema: &str) -> Option<String> {
        let error = match self {
            Self::Server(error) => error,
            // They say it themselves.
            Self::Address(_) | Self::Certificates(_) => return Some(String::new()),
            Self::Silent | Self::Gone => return None,
        };
        let way_out = match error.code().map(SqlState::code) {
            None if is_lasting(error) => {
                "; sslrootcert in its address names whose certificates to believe, sslmode whether to encrypt"
                    .to_owned()
            }
            None if !lacks_password(error) => return None,
            None | Some("28P01") => {
                "; the role's password comes from PGPASSWORD, PGPASSFILE or JULES_BATCH_STATE_PASSWORD_FILE"
                    .to_owned()
            }
            Some("42501") => format!(
                "; the role that has made the ledger may, and what runs or readers need the members of {schema}_run and {schema}_read"
            ),
            Some("3D000") => "; an administrator makes it: createdb".to_owned(),
            // The server says what it misses, and so does a script of ours.
            Some("28000" | "P0001") => String::new(),
            Some(_) => return None,
        };
        Some(way_out)
    }

    /// Whether the server says this of the statement.
    pub(super) fn is(&self, state: &SqlState) -> bool {
        matches!(self, Self::Server(error) if error.code() == Some(state))
    }
}

/// A server, as far as it answers.
pub(super) struct Link {
    link: AsyncLink,
    runtime: Handle,
    _thread: Option<oneshot::Sender<()>>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({})", self.database())
    }
}

impl Link {
    /// Makes the thread; a connection is made when something is asked.
    pub(super) fn new(database: Database) -> Result<Self, LedgerError> {
        let failed = |source: std::io::Error| LedgerError::Database {
            doing: "reach the ledger",
            database: database.to_string(),
            source: Box::new(source),
        };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (thread, ended) = oneshot::channel();
        let work = move || drop(runtime.block_on(ended));
        std::thread::Builder::new().name("database".to_owned()).spawn(work).map_err(failed)?;
        let (client, turn) = Default::default();
        let link = AsyncLink { database, client, turn };
        Ok(Self { link, runtime: handle, _thread: Some(thread) })
    }

    /// One more connection to the same server, on the same thread.
    pub(super) fn another(&self) -> Self {
        let link = AsyncLink { client: Arc::default(), ..self.handle() };
        Self { link, runtime: self.runtime.clone(), _thread: None }
    }

    pub(super) fn database(&self) -> &Database {
        &self.link.database
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// What stands for `@` in statements.
    pub(super) fn sql(&self, sql: &str) -> String {
        in_schema(sql, &self.database().schema)
    }

    /// The rows of one statement, which may be asked twice.
    pub(super) fn rows(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, LedgerError> {
        let values = Arc::new(values);
        let mut answer = self.ask(sql, &values);
        for _ in 0..READS {
            if !answer.as_ref().is_err_and(LinkError::is_of_connection) {
                break;
            }
            std::thread::sleep(PAUSE);
            answer = self.ask(sql, &values);
        }
        answer.map_err(|error| self.failed("read the ledger", error))
    }

    /// The rows of one statement, which is sent once.
    pub(super) fn ask(&self, sql: &str, values: &Arc<Vec<Value>>) -> Result<Vec<Row>, LinkError> {
        let (link, sql, values) = (self.handle(), self.sql(sql), Arc::clone(values));
        self.wait(async move { link.ask(&sql, &values).await })?
    }

    /// The same in this time.
    pub(super) fn ask_within(
        &self,
        time: Duration,
        sql: &str,
        values: &Arc<Vec<Value>>,
    ) -> Result<Vec<Row>, LinkError> {
        let (link, sql, values) = (self.handle(), self.sql(sql), Arc::clone(values));
        let asked = async move { tokio::time::timeout(time, link.ask(&sql, &values)).await };
        self.wait(asked)?.unwrap_or(Err(LinkError::Silent))
    }

    /// Carries out a script, in one transaction.
    pub(super) fn script(&self, sql: &str) -> Result<(), LinkError> {
        let (link, sql) = (self.handle(), self.sql(sql));
        self.wait(async move {
            let client = link.client().await?;
            let answer = client.batch_execute(&sql).await;
            answer.map_err(|error| link.refused(&client, error))
        })?
    }

    /// The same for tasks of the thread.
    pub(super) fn handle(&self) -> AsyncLink {
        self.link.clone()
    }

    fn wait<T: Send + 'static>(
        &self,
        asked: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, LinkError> {
        let (answer, inbox) = std::sync::mpsc::sync_channel(1);
        self.runtime.spawn(async move { drop(answer.send(asked.await)) });
        inbox.recv().map_err(|_| LinkError::Gone)
    }

    pub(super) fn failed(&self, doing: &'static str, error: LinkError) -> LedgerError {
        let (database, schema) = (self.database().to_string(), &self.database().schema);
        if error.is(&SqlState::UNDEFINED_TABLE) || error.is(&SqlState::INVALID_SCHEMA_NAME) {
            return LedgerError::NoSchema { database, schema: schema.clone() };
        }
        match error.way_out(schema) {
            Some(way_out) => LedgerError::Refused { doing, database, way_out, source: Box::new(error) },
            None => LedgerError::Database { doing, database, source: Box::new(error) },
        }
    }
}

/// Puts the schema in the place of each `@`.
pub(super) fn in_schema(sql: &str, schema: &str) -> String {
    sql.replace('@', &format!("\"{schema}\"."))
}

/// A connection that is made anew when it is gone.
#[derive(Clone)]
pub(super) struct AsyncLink {
    database: Database,
    client: Arc<Mutex<Option<Arc<Client>>>>,
    turn: Turn,
}

impl AsyncLink {
    pub(super) async fn ask(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, LinkError> {
        let client = self.client().await?;
        let values: Vec<(&(dyn ToSql + Sync), Type)> =
            values.iter().map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone())).collect();
        match tokio::time::timeout(STATEMENT, client.query_typed(sql, &values)).await {
            Ok(answer) => answer.map_err(|error| self.refused(&client, error)),
            Err(_) => {
                // What it still answers is nobody's.
                self.leave(&client);
                Err(LinkError::Silent)
            }
        }
    }

    fn refused(&self, client: &Arc<Client>, error: tokio_postgres::Error) -> LinkError {
        if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
            // Another host may be the one to write to by now, and a connection keeps what it has begun with.
            self.leave(client);
        }
        error.into()
    }

    /// The next statement has another connection, unless somebody has made one already.
    fn leave(&self, client: &Arc<Client>) {
        let mut known = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        known.take_if(|known| Arc::ptr_eq(known, client));
    }

    async fn client(&self) -> Result<Arc<Client>, LinkError> {
        let known = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(client) = known.filter(|client| !client.is_closed()) {
            return Ok(client);
        }
        let client = Arc::new(connect(&self.database, &self.turn, CONNECT).await?);
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&client));
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_for_a_while_is_told_from_what_it_says_for_good() {
        let of_a_while =
            ["08006", "25006", "40001", "40P01", "53100", "53300", "55P03", "57014", "57P01", "57P03"];
        for code in of_a_while {
            assert!(may_pass(code), "{code}");
        }
        for code in ["23505", "28000", "28P01", "3D000", "40002", "42501", "42P01", "55000", "P0001"] {
            assert!(!may_pass(code), "{code}");
        }
    }
}
