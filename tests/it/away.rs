//! A shared ledger that does not answer for a while, through a relay that can be cut.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::shared_state::{Shared, all_succeeded};
use crate::support::Runner;

/// Stands between a run and its database.
struct Relay {
    port: u16,
    is_cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_cut, open) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let relay = Self { port, is_cut: Arc::clone(&is_cut), open: Arc::clone(&open) };
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Whoever connects while it is cut is hung up on.
                if !is_cut.load(Ordering::SeqCst)
                    && let Ok(server) = TcpStream::connect(&server)
                {
                    open.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                    let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                    std::thread::spawn(move || pass(client, server));
                    std::thread::spawn(move || pass(back.0, back.1));
                }
            }
        });
        relay
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        // Those that are closed already are none any more.
        self.open.lock().unwrap().drain(..).for_each(|stream| _ = stream.shutdown(Shutdown::Both));
    }

    fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

/// Until one of both ends.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

impl Shared {
    fn relay(&self) -> Relay {
        let server = self.server.rsplit_once('@').unwrap().1.split_once('/').unwrap().0;
        Relay::to(server.to_owned())
    }

    fn run_through(&self, relay: &Relay, machine: &str) -> Runner<'_> {
        let (before, behind) = self.server.rsplit_once(':').unwrap();
        let (_, name) = behind.split_once('/').unwrap();
        let address = format!("{before}:{}/{name}?schema={}", relay.port, self.schema);
        self.run(machine).env("JULES_BATCH_STATE", address)
    }
}

const SIX: &str = "{ defaults: { duration: 1500ms, outcome: change } }";
const KEPT: &str = "SELECT count(*) FROM @creations";

#[test]
fn while_the_database_is_away_what_is_live_is_followed_and_nothing_is_created() {
    let Some(shared) = Shared::new(SIX, 6) else { return };
    let relay = shared.relay();
    let mut run = shared.run_through(&relay, "first").start();
    run.until(|_| shared.sql(KEPT) == "3");
    relay.cut();
    run.until_said("before the ledger answers again");
    run.until(|_| shared.report("first")["totals"]["succeeded"] == 3);
    shared.world.created(3);
    assert_eq!(shared.sql("SELECT count(*) FROM @tasks WHERE outcome = 'succeeded'"), "0");
    relay.mend();
    let ended = run.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stderr.contains("answers again"), "{ended}");
    all_succeeded(&ended, &shared.report("first"), 6);
    shared.world.created(6);
    assert_eq!(shared.sql("SELECT count(*) FROM @tasks WHERE outcome = 'succeeded'"), "6");
    // What was not there meanwhile is there now, in order.
    assert_eq!(shared.sql("SELECT count(*) - max(seq) FROM @events"), "0");
}

#[test]
fn whoever_was_taken_over_meanwhile_leaves_and_says_where_the_rest_stands() {
    let Some(shared) = Shared::new(SIX, 6) else { return };
    let relay = shared.relay();
    let mut first = shared.run_through(&relay, "first").start();
    first.until(|_| shared.sql(KEPT) == "3");
    relay.cut();
    first.until_said("before the ledger answers again");
    shared.let_leases_pass();
    let mut second = shared.run("second").start();
    second.until_said("they are taken over");
    relay.mend();
    let (first, second) = (first.wait(), second.wait());
    assert_eq!((first.code, second.code), (Some(5), Some(0)), "{first}\n{second}");
    assert!(first.stderr.contains("another's by now") && first.stderr.contains("events.jsonl"), "{first}");
    assert!(shared.world.read("first/events.jsonl").contains("before the ledger answers again"));
    all_succeeded(&second, &shared.report("second"), 6);
    shared.world.created(6);
}

#[test]
fn a_database_that_stays_away_ends_the_run_in_order_and_the_next_one_goes_on() {
    let Some(shared) = Shared::new(SIX, 6) else { return };
    let relay = shared.relay();
    let mut first = shared.run_through(&relay, "first").args("--state-patience 2s").start();
    first.until(|_| shared.sql(KEPT) == "3");
    relay.cut();
    let ended = first.wait();
    assert_eq!(ended.code, Some(110), "{ended}");
    assert!(ended.stderr.contains("has not answered for"), "{ended}");
    shared.world.created(3);
    shared.let_leases_pass();
    let next = shared.run("next").exits(0);
    all_succeeded(&next, &shared.report("next"), 6);
    shared.world.created(6);
}
