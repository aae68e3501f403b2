//! `serve`: the page of a run, live, for a browser. Read only; everything it shows is in the ledger.

mod app;
mod guard;
mod library;
mod pages;
mod pulls;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::args::State;
use super::console::{BOLD, Console, DIM};
use super::exit::Exit;
use super::failure::Failure;
use super::recorded;
use super::signals::Signals;
use guard::Guard;
use jules::Secret;
use library::Library;

/// The variables that may hold the token, or name its file.
const TOKEN: [&str; 2] = ["JULES_BATCH_SERVE_TOKEN", "JULES_BATCH_SERVE_TOKEN_FILE"];

const AFTER_HELP: &str = "\
Stdout carries the address in one line. Every page follows its runs as they go: /current is the run in which something
happened last (work, or a mark of done or skip), /pulls shows the pull requests of all runs as they were last read. Nothing can be changed there, and nothing
is kept but the ledger that `run` writes.

On this machine nobody is asked for anything. On any other address a token is, which JULES_BATCH_SERVE_TOKEN holds (or
the file that JULES_BATCH_SERVE_TOKEN_FILE names); a browser is given it once, as /?token=TOKEN. TLS is for whoever
stands in front.

Examples:
  jules-batch serve

  export JULES_BATCH_SERVE_TOKEN=$(openssl rand -hex 16)
  jules-batch serve --listen 0.0.0.0:8080";

/// `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Where runs are recorded.
    #[command(flatten)]
    pub(crate) state: State,
}

pub(crate) async fn run(args: &ServeArgs, console: &Console) -> Result<Exit, Failure> {
    let token = Secret::from_env(&TOKEN).map_err(|error| Failure::usage(error.to_string()))?;
    let guard = Guard::new(args.listen.ip(), token.as_ref()).map_err(|why| {
        Failure::usage(why).help("set JULES_BATCH_SERVE_TOKEN to 16 characters or more that nobody can guess")
    })?;
    let location = args.state.location()?;
    // What is wrong with it is told here, not to a browser.
    let had_real = library::real(&recorded::all(&location)?, &location).is_some();
    let mut signals = Signals::new()?;
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        let failure = Failure::new(Exit::Fault, format!("cannot listen on {}", args.listen)).because(&error);
        failure.help("choose another --listen ADDRESS:PORT")
    })?;
    let address = listener.local_addr().map_err(|error| Failure::new(Exit::Fault, error))?;
    console.result_line(&format!("http://{address}/"))?;
    console.say(&format!("{BOLD}runs in a browser,{BOLD:#} read only; {DIM}Ctrl-C ends it{DIM:#}"));
    let app = app::router(Arc::new(Library::open(location, had_real)), Arc::new(guard));
    // A page that follows its run never ends by itself.
    tokio::select! {
        served = axum::serve(listener, app) => served.map_err(|error| Failure::new(Exit::Fault, error))?,
        _ = signals.next() => {}
    }
    // To be stopped is how this command ends well.
    Ok(Exit::Done)
}
