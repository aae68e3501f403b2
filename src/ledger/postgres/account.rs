//! The account that runs share: what a run asks of it, beside what its events tell.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::Row;

use super::address::{ACCOUNT, Database};
use super::link::{AsyncLink, Link, LinkError, Value, values};
use crate::ledger::LedgerError;
use crate::ledger::account::{Limits, Member, MemberRun, Standing};
use crate::outcome::{JournalError, Permit, Reserved, SharedAccount, Wish};
use crate::plan::AccountShare;
use jules::SessionId;

/// How long an answer may take. Nothing is lost by one that comes later: what it reserves passes.
const ANSWER: Duration = Duration::from_secs(10);
/// The same for an ordinary request, which goes on by the run's own limits.
const PERMIT: Duration = Duration::from_secs(3);
/// How often a run says that it is there.
const PRESENT: Duration = Duration::from_secs(5);
/// How long leaving may take.
const LEAVE: Duration = Duration::from_secs(3);

const RESERVE: &str = "SELECT answer, wait_ms FROM @account_reserve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const PERMITTED: &str = "SELECT wait_ms, pause_ms FROM @account_permit($1, $2, $3)";

/// The account that is meant: the one that is named, else the only one of which anything is said, or `default`.
pub(super) fn meant(link: &Link) -> Result<String, LedgerError> {
    chosen(link, &names(link)?)
}

/// The account of a run; none where nothing is said of any.
pub(super) fn of_a_run(link: &Link) -> Result<Option<String>, LedgerError> {
    let known = names(link)?;
    let name = chosen(link, &known)?;
    match known.contains(&name) {
        true => Ok(Some(name)),
        false if known.is_empty() => Ok(None),
        false => Err(unknown(link, Some(name), known)),
    }
}

fn chosen(link: &Link, known: &[String]) -> Result<String, LedgerError> {
    match (link.database().named_account(), known) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, [only]) => Ok(only.clone()),
        (None, several) if several.is_empty() || several.iter().any(|name| name == ACCOUNT) => {
            Ok(ACCOUNT.to_owned())
        }
        (None, several) => Err(unknown(link, None, several.to_vec())),
    }
}

fn unknown(link: &Link, named: Option<String>, known: Vec<String>) -> LedgerError {
    LedgerError::UnknownAccount { database: link.database().to_string(), named, known }
}

/// A run's side of its account.
pub(super) struct Account {
    link: Link,
    name: String,
    us: Us,
    seen: Arc<Mutex<SeenSessions>>,
    news: Arc<Notify>,
    present: JoinHandle<()>,
}

/// Sessions of whichever run.
#[derive(Debug, Default)]
struct SeenSessions {
    /// They have ended, to be told with the next word.
    ended: Vec<String>,
    /// Their runs say nothing more.
    orphans: HashSet<SessionId>,
}

/// Which run asks, and by which right.
#[derive(Clone, Debug)]
pub(super) struct Us {
    pub(super) run: i64,
    pub(super) lease: i64,
    pub(super) epoch: i64,
    pub(super) holder: String,
    pub(super) share: Option<AccountShare>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Account").field(&self.us).finish()
    }
}

/// Says now and then that the run is there, and what it has seen.
fn stay(
    link: &Link,
    account: String,
    us: &Us,
    seen: &Arc<Mutex<SeenSessions>>,
    news: &Arc<Notify>,
) -> JoinHandle<()> {
    let (handle, us, seen) = (link.another().handle(), us.clone(), Arc::clone(seen));
    let news = Arc::clone(news);
    let sql = link.sql("SELECT * FROM @account_present($1, $2, $3, $4)");
    link.runtime().spawn(async move {
        loop {
            let told = std::mem::take(&mut lock(&seen).ended);
            let values = values![account.clone(), us.run, us.holder.clone(), told.clone()];
            match within(ANSWER, &handle, &sql, &values).await {
                Ok(orphans) => {
                    lock(&seen).orphans =
                        orphans.iter().filter_map(|row| row.get::<_, &str>(0).parse().ok()).collect();
                }
                Err(error) => {
                    tracing::debug!("the account is not told that the run is there: {error}");
                    lock(&seen).ended.extend(told);
                }
            }
            // That it is over by itself is no error.
            let _ = tokio::time::timeout(PRESENT, news.notified()).await;
        }
    })
}

fn lock(seen: &Mutex<SeenSessions>) -> MutexGuard<'_, SeenSessions> {
    // Both lists are whole even if a thread died holding the lock.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn within(
    time: Duration,
    link: &AsyncLink,
    sql: &str,
    values: &[Value],
) -> Result<Vec<Row>, LinkError> {
    tokio::time::timeout(time, link.ask(sql, values)).await.unwrap_or(Err(LinkError::Silent))
}

impl Account {
    /// That of the database that is meant, on a thread of its own: the ledger's is at times busy with waiting.
    pub(super) fn of(database: &Database, name: String, us: Us) -> Result<Self, LedgerError> {
        let link = Link::new(database.clone())?;
        let (seen, news) = (Arc::default(), Arc::new(Notify::new()));
        let present = stay(&link, name.clone(), &us, &seen, &news);
        Ok(Self { link, name, us, seen, news, present })
    }

    /// The answer to one statement, on the link's own thread.
    fn ask(
        &self,
        time: Duration,
        sql: &str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>, LinkError>> + Send + 'static {
        let (handle, sql) = (self.link.handle(), self.link.sql(sql));
        let asked = self.link.runtime().spawn(async move { within(time, &handle, &sql, &values).await });
        async move { asked.await.unwrap_or(Err(LinkError::Gone)) }
    }
}

impl SharedAccount for Account {
    fn reserve(&self, wish: Wish) -> BoxFuture<'static, Result<Reserved, JournalError>> {
        let us = self.us.clone();
        let more = i32::try_from(wish.more).unwrap_or(i32::MAX - 1);
        let (share, percent) = match us.share {
            None => (None, None),
            Some(AccountShare::Slots(slots)) => (i32::try_from(slots).ok(), None),
            Some(AccountShare::Percent(percent)) => (None, Some(i32::from(percent))),
        };
        let mut values = values![self.name.clone(), us.lease, us.holder, us.epoch, us.run];
        values.extend(values![wish.task.as_str().to_owned(), more, share, percent, wish.lost]);
        let asked = self.ask(ANSWER, RESERVE, values);
        async move {
            let failed = |error| JournalError::new("the account cannot be asked".to_owned(), error);
            let rows = asked.await.map_err(|error| failed(error.to_string()))?;
            let row = rows.first().ok_or_else(|| failed("it has no answer".to_owned()))?;
            let time = milliseconds(row.get(1));
            match row.get::<_, &str>(0) {
                "granted" => Ok(Reserved::Granted { wait: time }),
                "full" => Ok(Reserved::Full { again: time }),
                "spent" => Ok(Reserved::Spent { free: time }),
                _ => Err(failed("the run is another's by now".to_owned())),
            }
        }
        .boxed()
    }

    fn give_back(&self) {
        let values = values![self.name.clone(), self.us.run, self.us.epoch];
        drop(self.ask(ANSWER, "SELECT @account_give_back($1, $2, $3)", values));
    }

    fn permit(&self, lane: &'static str, held: &[&'static str]) -> BoxFuture<'static, Permit> {
        let held: Vec<String> = held.iter().map(|kind| (*kind).to_owned()).collect();
        let asked = self.ask(PERMIT, PERMITTED, values![self.name.clone(), lane.to_owned(), held]);
        async move {
            let rows = asked.await.unwrap_or_else(|error| {
                tracing::debug!("the account cannot be asked for a request: {error}");
                Vec::new()
            });
            let permit =
                |row: &Row| Permit { wait: milliseconds(row.get(0)), pause: milliseconds(row.get(1)) };
            rows.first().map(permit).unwrap_or_default()
        }
        .boxed()
    }

    fn pause(&self, kind: &'static str, length: Duration) {
        let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        let values = values![self.name.clone(), kind.to_owned(), length];
        drop(self.ask(ANSWER, "SELECT @account_pause($1, $2, $3)", values));
    }

    fn saw_ended(&self, sessions: Vec<SessionId>) {
        let sessions = sessions.into_iter().map(|session| session.as_str().to_owned());
        lock(&self.seen).ended.extend(sessions);
        self.news.notify_one();
    }

    fn orphans(&self) -> HashSet<SessionId> {
        lock(&self.seen).orphans.clone()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.present.abort();
        let Us { run, holder, epoch, .. } = self.us.clone();
        let values = Arc::new(values![self.name.clone(), run, holder, epoch]);
        if let Err(error) = self.link.ask_within(LEAVE, "SELECT @account_leave($1, $2, $3, $4)", &values) {
            tracing::debug!("the account is not told that the run goes: {error}");
        }
    }
}

fn milliseconds(ms: Option<i64>) -> Duration {
    Duration::from_millis(ms.unwrap_or_default().unsigned_abs())
}

const SET: &str = "
    WITH needs AS (
        UPDATE @meta SET value = 'KNOWS' WHERE key = 'needs' AND value::integer < KNOWS
    )
    INSERT INTO @account_limits (name, slots, per_day, requests_pm, creates_pm, activities_pm)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (name) DO UPDATE SET slots = excluded.slots, per_day = excluded.per_day,
        requests_pm = excluded.requests_pm, creates_pm = excluded.creates_pm, activities_pm = excluded.activities_pm";

/// Sets what the account allows.
pub(super) fn set_limits(link: &Link, limits: &Limits) -> Result<(), LedgerError> {
    let sql = SET.replace("KNOWS", &super::schema::KNOWS_ACCOUNTS.to_string());
    let bound = |bound: Option<u32>| bound.map(|bound| i32::try_from(bound).unwrap_or(i32::MAX));
    let mut values = values![meant(link)?, bound(limits.live)];
    values.extend(values![bound(limits.sessions_per_day), bound(limits.requests_per_minute)]);
    values.extend(values![bound(limits.creates_per_minute), bound(limits.activities_per_minute)]);
    let done = link.ask(&sql, &Arc::new(values));
    done.map(drop).map_err(|error| link.failed("change the account's limits in", error))
}

/// Those that somebody has said something of.
pub(super) fn names(link: &Link) -> Result<Vec<String>, LedgerError> {
    let names = link.rows("SELECT name FROM @account_limits ORDER BY name", values![])?;
    Ok(names.iter().map(|row| row.get(0)).collect())
}

/// The one that this run counts for.
pub(super) fn of_run(link: &Link, run: &str) -> Result<Option<String>, LedgerError> {
    let found = link.rows("SELECT account FROM @runs WHERE id = $1", values![run.to_owned()])?;
    Ok(found.first().map(|row| row.get(0)))
}

/// How an account stands; none where nobody has said what it allows.
pub(super) fn standing(link: &Link, name: &str) -> Result<Option<Standing>, LedgerError> {
    let account = || values![name.to_owned()];
    let sql = "SELECT slots, per_day, requests_pm, creates_pm, activities_pm, live, within_day \
               FROM @account_limits JOIN @account_use USING (name) WHERE name = $1";
    let found = link.rows(sql, account())?;
    let Some(row) = found.first() else { return Ok(None) };
    let bound = |at| row.get::<_, Option<i32>>(at).map(i32::unsigned_abs);
    let limits = Limits {
        live: bound(0),
        sessions_per_day: bound(1),
        requests_per_minute: bound(2),
        creates_per_minute: bound(3),
        activities_per_minute: bound(4),
    };
    let count = |at| usize::try_from(row.get::<_, i64>(at)).unwrap_or_default();
    let sql = "SELECT id, project, name, waiting, live FROM @account_members WHERE account = $1";
    let members = link.rows(sql, account())?;
    let sql = "SELECT lane, (1000 * extract(epoch FROM hold_until - clock_timestamp()))::bigint FROM @account_pauses \
               WHERE account = $1 ORDER BY lane";
    let pauses = link.rows(sql, account())?;
    Ok(Some(Standing {
        name: name.to_owned(),
        limits,
        live: count(5),
        within_day: count(6),
        members: members.iter().map(member).collect(),
        pauses: pauses.iter().map(|row| (row.get(0), milliseconds(row.get(1)))).collect(),
    }))
}

fn member(row: &Row) -> Member {
    let run = |id| MemberRun { id, project: row.get(1), name: row.get(2) };
    Member {
        run: row.get::<_, Option<String>>(0).map(run),
        waiting: usize::try_from(row.get::<_, i32>(3)).unwrap_or_default(),
        live: usize::try_from(row.get::<_, i64>(4)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
