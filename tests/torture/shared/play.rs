//! Plays a seed: three machines, what happens to them, and what is left to do afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::books::{Books, restart};
use super::case::{CALM, manifest, scenario};
use super::proof::{self, Figures};
use crate::support::{Relay, Runner, Running, Signal, World, between, held};

/// What is in doubt is looked for for 160 s; a machine that waits for another does so as well.
const PATIENCE: Duration = Duration::from_secs(600);
/// The same where what is in doubt after that may stay so.
const SHORT: Duration = Duration::from_secs(40);
/// More starts than this, with nobody interfering any more, is no progress.
const MOST_INVOCATIONS: usize = 10;
/// Longer than a create in doubt is looked for: its last moment is ten seconds after its record, the look 150 s more.
const TOO_LONG: Duration = Duration::from_secs(170);
/// How many machines there are.
const MACHINES: usize = 3;

/// How a seed is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Until all is done.
    Whole,
    /// Not longer than a minute: what is in doubt then stays so.
    Short,
    /// Until all is done, and listings hide what no ledger knows: what may have been sent is not found.
    Blind,
    /// Until all is done, and some creates wait where the guard has let them go.
    Early,
    /// Nothing happens to machines that begin at one instant.
    Calm,
}

/// What the machines of a seed have in common.
struct Scene {
    world: World,
    books: Arc<Books>,
    /// Where they find the database.
    state: String,
    /// Where they find the service.
    service: String,
    wire: Relay,
}

/// Runs the program through the seed; what the simulator's statistics then say.
pub(super) fn to_the_end(server: &str, seed: u64, form: Form) -> Figures {
    let mut rng = Rng::with_seed(seed);
    let (scene, mut figures) = (Scene::new(server, seed, form, &mut rng), Figures::default());
    let machines = disrupt(&scene, &mut rng, form, &mut figures);
    let until = Instant::now() + if form == Form::Short { SHORT } else { PATIENCE };
    let mut is_over = true;
    for machine in machines {
        is_over &= ends(machine, until, &mut figures);
    }
    is_over = is_over && finish(&scene, until, &mut figures);
    if !is_over && form != Form::Short {
        figures.wrong.push("it never came to an end".to_owned());
    }
    if form == Form::Early {
        // Those that still wait are on their way.
        std::thread::sleep(TOO_LONG);
    }
    proof::judge(&scene.world, &scene.books, figures, is_over)
}

impl Scene {
    fn new(server: &str, seed: u64, form: Form, rng: &mut Rng) -> Self {
        let world = World::new(&if form == Form::Calm { CALM.to_owned() } else { scenario(rng) });
        world.write("jobs.yaml", &manifest(rng, form == Form::Blind));
        let (books, wire) = (Arc::new(Books::new(server, seed)), Relay::to(server));
        let init = || world.command("state").arg("init").env("JULES_BATCH_STATE", books.address(server));
        // Another seed may have the server restarted.
        while init().start().wait().code != Some(0) {}
        let service = match form {
            Form::Whole | Form::Short | Form::Calm => world.service().url(),
            Form::Early => letting_creates_wait(&world.service().url()),
            Form::Blind => hiding_what_nobody_knows(&world.service().url(), &books),
        };
        let state = books.address(&wire.through(server));
        Self { world, books, state, service, wire }
    }

    fn machine(&self, number: usize) -> Running<'_> {
        let run: Runner<'_> = self.world.command("run").arg("--base-url").arg(&self.service);
        let run = run.env("JULES_BATCH_STATE", &self.state).env("GITHUB_REPOSITORY", "my-org/web");
        let run = run.env("USER", format!("machine-{number}"));
        run.args(&format!("-q --if-busy follow --report-dir machine-{number}")).start()
    }
}

/// Starts the machines; those that are there after all that has happened to them.
fn disrupt<'w>(scene: &'w Scene, rng: &mut Rng, form: Form, figures: &mut Figures) -> Vec<Running<'w>> {
    let pause = |range| std::thread::sleep(Duration::from_millis(range));
    let mut machines: Vec<_> = (0..MACHINES).map(|n| scene.machine(n)).collect();
    figures.invocations += MACHINES as u64;
    let disruptions = if form == Form::Calm { 0 } else { rng.usize(2..=6) };
    for _ in 0..disruptions {
        pause(rng.u64(30..900));
        let which = rng.usize(..MACHINES);
        match rng.u8(..10) {
            0..4 => {
                figures.killed += 1;
                machines[which].kill();
                scene.books.let_leases_pass();
                pause(rng.u64(..300));
                figures.invocations += 1;
                let killed = std::mem::replace(&mut machines[which], scene.machine(which));
                ends(killed, Instant::now() + PATIENCE, figures);
            }
            4..7 => {
                figures.slept += 1;
                machines[which].signal(Signal::Stop);
                scene.books.let_leases_pass();
                // At times longer than what it was to send may wait.
                let is_long = rng.u8(..8) == 0 && form != Form::Short;
                pause(if is_long { rng.u64(9_000..13_000) } else { rng.u64(100..3_000) });
                machines[which].signal(Signal::Continue);
            }
            7..9 => {
                figures.cut += 1;
                scene.wire.cut();
                pause(rng.u64(..1_500));
                scene.wire.mend();
            }
            _ => figures.restarted += u64::from(restart()),
        }
    }
    machines
}

/// Whether it ends by then: with all done, with work left, deposed, killed, or because the database was not there. One that does
/// not is told to.
fn ends(mut machine: Running<'_>, until: Instant, figures: &mut Figures) -> bool {
    let is_over = machine.ends_within(until.saturating_duration_since(Instant::now()));
    if !is_over {
        machine.signal(Signal::Terminate);
    }
    let ended = machine.wait();
    let is_good = match ended.code {
        None | Some(0 | 5 | 75 | 110) => true,
        Some(143) => !is_over,
        Some(_) => false,
    };
    if !is_good || ended.stderr.contains("panicked") {
        figures.wrong.push(ended.to_string());
    }
    is_over
}

/// One machine, which nobody disturbs any more; whether all is done by then.
fn finish(scene: &Scene, until: Instant, figures: &mut Figures) -> bool {
    for _ in 0..MOST_INVOCATIONS {
        scene.books.let_leases_pass();
        figures.invocations += 1;
        let mut machine = scene.machine(0);
        if !machine.ends_within(until.saturating_duration_since(Instant::now())) {
            return ends(machine, until, figures);
        }
        let ended = machine.wait();
        match ended.code {
            Some(0) => return true,
            // Strays are told once; and another seed may have the server restarted.
            Some(5 | 75 | 110) => {}
            _ => {
                figures.wrong.push(format!("undisturbed: {ended}"));
                return true;
            }
        }
    }
    figures.wrong.push("undisturbed, and no progress".to_owned());
    true
}

/// The service at that URL, with somebody between who keeps every fourth create back for too long.
fn letting_creates_wait(service: &str) -> String {
    let creates = AtomicU64::new(0);
    held(service, move |request| {
        if request.starts_with("POST /v1alpha/sessions HTTP")
            && creates.fetch_add(1, Ordering::Relaxed) % 4 == 3
        {
            std::thread::sleep(TOO_LONG);
        }
    })
}

/// The service at that URL, with somebody between who takes out of listings what the ledger does not know.
fn hiding_what_nobody_knows(service: &str, books: &Arc<Books>) -> String {
    let books = Arc::downgrade(books);
    between(service, move |exchange| {
        if let Some(books) = books.upgrade().filter(|_| exchange.lists_sessions()) {
            let known = books.sql("SELECT session FROM @creations");
            let is_known = |id: &str| known.lines().any(|known| known == id);
            exchange.edit_sessions(|sessions| {
                sessions.retain(|session| session["id"].as_str().is_some_and(is_known));
            });
        }
    })
}
