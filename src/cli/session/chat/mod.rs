//! `session chat`: a conversation.

mod editor;
mod follow;
mod input;
mod lines;
mod screen;
mod standing;

use std::path::Path;
use std::time::Duration;

use foreign_text::line as neutral;

use super::render::{self, Rendering};
use super::target::Target;
use crate::cli::client::{failed, said_when_long};
use crate::cli::console::{Console, DIM, GREEN, YELLOW};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::signals::{Signal, Signals};
use follow::Follow;
use input::{Command, Input};
use jules::{Activity, ActivityKind, Error, PullRequest, SessionClient, SessionState};
use lines::{Entered, Lines};
use screen::Screen;
use standing::Standing;
use tokio::time::Instant;

const AFTER_HELP: &str = "\
What you type goes to the agent when you press Enter; a backslash at the end of
a line, or Alt-Enter, goes on with the next one, and a paste is one message. The
arrow keys bring back what you entered before. `?` in place of `>` says that the
agent waits for you.

  /plan      the plan
  /approve   approve the plan that waits
  /diff      the changes so far; /diff full shows the patch
  /pr        the pull request
  /state     how the session stands
  /send FILE sends a file's text
  /help      this
  /quit      leave; the session goes on (also Ctrl-D, Ctrl-C)

Two slashes begin a message that begins with a slash. Off a terminal, lines of stdin are sent one after the other.

Examples:
  jules-batch session chat 123
  id=$(jules-batch session new 'Tidy the README' --source my-org/web)
  jules-batch session chat $id";

/// How much longer than the distance of two requests the second one's answer may take.
const SLACK: Duration = Duration::from_millis(500);

/// `session chat`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ChatArgs {
    /// Show outputs of commands and lists of files whole
    #[arg(long)]
    full: bool,
    /// Which session, and how to reach the service.
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: &ChatArgs, console: &Console) -> Result<Exit, Failure> {
    let client = args.target.patient()?;
    let session = said_when_long("reading the session", console, client.info()).await.map_err(failed)?;
    let signals = Signals::new()?;
    let interval = args.target.access.poll_interval;
    let (screen, lines) = Screen::open(console.clone());
    let mut chat = Chat {
        follow: Follow::new(client.clone(), interval),
        standing: Standing::follow(client.clone(), session.state.clone(), interval),
        screen,
        rendering: Rendering::new(args.full),
        client,
        full: args.full,
        draft: String::new(),
        is_plan_shown: false,
        quiet: interval + SLACK,
        cue_at: None,
        cue: None,
        in_doubt: false,
    };
    chat.screen.print(&format!(
        "{}\n{DIM}session {}, {}; /help lists commands{DIM:#}",
        render::title(&session, ""),
        args.target.id,
        render::place(&session)
    ))?;
    chat.take_state()?;
    let ended = chat.talk(lines, signals).await;
    chat.screen.close();
    if chat.in_doubt {
        console.warn("what was asked of the service last may have been done all the same");
    }
    let exit = ended?;
    let how = chat.left();
    console.say(&format!("{DIM}{how}; come back with: jules-batch session chat {}{DIM:#}", args.target.id));
    Ok(exit)
}

/// A conversation under way.
struct Chat {
    client: SessionClient,
    follow: Follow,
    standing: Standing,
    screen: Screen,
    rendering: Rendering,
    full: bool,
    /// Lines that ended with a backslash.
    draft: String,
    /// The last activity that was shown is a plan.
    is_plan_shown: bool,
    /// When no activity has come for so long, those that led to a state are all there.
    quiet: Duration,
    /// When to tell that the agent waits: behind what it says.
    cue_at: Option<Instant>,
    /// How it stands, as was told last, with nothing shown or entered since.
    cue: Option<String>,
    /// A request is under way that changes something, or was when we left.
    in_doubt: bool,
}

/// What comes first.
enum Event {
    Activity(Result<Option<Activity>, Error>),
    Entered(Option<Entered>),
    State,
    Cue,
    Signal(Signal),
}

impl Chat {
    /// Takes what comes first: an activity, a line, a signal, another state. A signal also comes between
    /// while something is asked of the service, which can take as long as an outage.
    async fn talk(&mut self, mut lines: Lines, mut signals: Signals) -> Result<Exit, Failure> {
        loop {
            let event = tokio::select! {
                activity = self.follow.next() => Event::Activity(activity),
                entered = lines.next() => Event::Entered(entered),
                () = self.standing.changed() => Event::State,
                () = tokio::time::sleep_until(self.cue_at.unwrap_or_else(Instant::now)), if self.cue_at.is_some() => Event::Cue,
                signal = signals.next() => Event::Signal(signal),
            };
            let handled = tokio::select! {
                handled = self.handle(event) => handled?,
                signal = signals.next() => Some(signal.exit()),
            };
            if let Some(exit) = handled {
                return Ok(exit);
            }
        }
    }

    /// Does what an event asks for; the exit when that was to leave.
    async fn handle(&mut self, event: Event) -> Result<Option<Exit>, Failure> {
        match event {
            Event::Activity(Ok(Some(activity))) => self.show(&activity)?,
            Event::Activity(Ok(None)) => {
                self.note(&format!("{DIM}{}; a message sets it going again{DIM:#}", self.left()))?;
            }
            Event::Activity(Err(error)) => return Err(failed(error)),
            Event::State => self.take_state()?,
            Event::Cue => self.cue()?,
            Event::Entered(None) => return Ok(Some(Exit::Done)),
            Event::Entered(Some(Entered::Interrupt)) => return Ok(Some(Signal::Interrupt.exit())),
            Event::Entered(Some(Entered::Line(line))) => {
                if self.take_line(&line).await? {
                    return Ok(Some(Exit::Done));
                }
            }
            Event::Entered(Some(Entered::Message(text))) => {
                if self.take(&text).await? {
                    return Ok(Some(Exit::Done));
                }
            }
            Event::Signal(signal) => return Ok(Some(signal.exit())),
        }
        Ok(None)
    }

    /// Shows an activity, and after it what the agent waits for.
    fn show(&mut self, activity: &Activity) -> Result<(), Failure> {
        self.screen.print(&self.rendering.activity(activity))?;
        self.cue = None;
        self.is_plan_shown = matches!(activity.kind, ActivityKind::PlanGenerated(_));
        if self.is_plan_shown || matches!(activity.kind, ActivityKind::AgentMessaged { .. }) {
            self.standing.ask_soon();
        }
        // Also where it was told before: that is to be the last word.
        if standing::waits(self.standing.state().as_ref()) { self.take_state() } else { Ok(()) }
    }

    /// The session is in another state: what the agent waits for is told behind what it says.
    fn take_state(&mut self) -> Result<(), Failure> {
        let state = self.standing.state();
        let waits = standing::waits(state.as_ref());
        self.screen.await_user(waits);
        self.cue_at = None;
        let is_explained = self.is_plan_shown && state == Some(SessionState::AwaitingPlanApproval);
        if waits && !is_explained {
            self.cue_at = Instant::now().checked_add(self.quiet);
            return Ok(());
        }
        self.cue()
    }

    fn left(&self) -> &'static str {
        standing::left(self.standing.state().as_ref(), self.follow.has_ended())
    }

    /// Tells how the session stands.
    fn cue(&mut self) -> Result<(), Failure> {
        self.cue_at = None;
        let state = self.standing.state();
        match state.as_ref().and_then(standing::cue) {
            Some(cue) if self.cue.as_ref() != Some(&cue) => {
                self.note(&cue)?;
                self.cue = Some(cue);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes a line of stdin, which may go on; whether it was to leave.
    async fn take_line(&mut self, line: &str) -> Result<bool, Failure> {
        if let Some(begun) = line.strip_suffix('\\') {
            self.draft.push_str(begun);
            self.draft.push('\n');
            return Ok(false);
        }
        let whole = std::mem::take(&mut self.draft) + line;
        self.take(&whole).await
    }

    /// Does what was entered; whether that was to leave.
    async fn take(&mut self, whole: &str) -> Result<bool, Failure> {
        self.cue = None;
        match Input::parse(whole) {
            Input::Nothing => {}
            Input::Message(message) => self.send(&message).await?,
            Input::Unknown(word) => {
                self.note(&format!(
                    "{YELLOW}there is no {}{YELLOW:#}; /help lists commands",
                    neutral(&word)
                ))?;
            }
            Input::Command(Command::Quit) => return Ok(true),
            Input::Command(command) => self.command(command).await?,
        }
        Ok(false)
    }

    async fn command(&mut self, command: Command) -> Result<(), Failure> {
        match command {
            Command::Quit => Ok(()),
            Command::Help => self.note(AFTER_HELP.split("\n\nTwo").next().unwrap_or(AFTER_HELP)),
            Command::Approve => self.approve().await,
            Command::Send(path) => match crate::cli::input::read("file", Path::new(&path)) {
                Ok(text) if text.trim().is_empty() => {
                    self.note(&format!("{YELLOW}the file is empty{YELLOW:#}"))
                }
                Ok(text) => self.send(&text).await,
                Err(error) => self.note(&format!("{YELLOW}{}{YELLOW:#}", error.headline())),
            },
            Command::Plan | Command::State | Command::Diff { .. } | Command::PullRequest => {
                match self.look(&command).await {
                    Ok(text) => self.note(&text),
                    Err(error) => self.trouble(&error),
                }
            }
        }
    }

    /// Reads the session, and the activities as far as the answer needs them.
    async fn look(&self, command: &Command) -> Result<String, Error> {
        let session = self.client.info().await?;
        if *command == Command::PullRequest {
            let address =
                |pull: &PullRequest| neutral(pull.url.as_deref().unwrap_or("a pull request without address"));
            let found: Vec<_> = session.pull_requests().map(address).collect();
            let none = || "there is no pull request yet".to_owned();
            return Ok(if found.is_empty() { none() } else { found.join("\n") });
        }
        let course = self.client.activities().course(0).await?;
        let digest = course.digest();
        Ok(match (command, digest.change_set_of(&session)) {
            (Command::Diff { full: true }, Some(changes)) => {
                render::patch(changes.patch()).trim_end().to_owned()
            }
            (Command::Diff { .. }, Some(changes)) => render::change_summary(changes, true),
            (Command::Diff { .. }, None) => "nothing has changed so far".to_owned(),
            (Command::Plan, _) => match &digest.plan {
                Some(plan) => render::plan_steps(plan),
                None => "there is no plan yet".to_owned(),
            },
            _ => {
                let mut lines = vec![render::card(&session, &self.rendering)];
                lines.extend(render::told(&session, &course, &self.rendering, self.full));
                lines.join("\n")
            }
        })
    }

    async fn send(&mut self, message: &str) -> Result<(), Failure> {
        self.in_doubt = true;
        let sent = self.client.send(message).await;
        self.in_doubt = false;
        match sent {
            Ok(()) => {
                self.follow.expect_more();
                self.standing.ask_soon();
                Ok(())
            }
            Err(error) => {
                let in_doubt = !error.surely_not_processed();
                self.trouble(&error)?;
                if in_doubt {
                    self.note("it may have arrived all the same: wait before you send it again")
                } else {
                    Ok(())
                }
            }
        }
    }

    async fn approve(&mut self) -> Result<(), Failure> {
        self.in_doubt = true;
        let approved = self.client.approve().await;
        self.in_doubt = false;
        match approved {
            Ok(()) => {
                self.standing.ask_soon();
                self.note(&format!("{GREEN}approved{GREEN:#}"))
            }
            Err(error) => self.not_approved(&error).await,
        }
    }

    /// Most often there is no plan that waits, which the service says as a precondition that failed.
    async fn not_approved(&mut self, error: &Error) -> Result<(), Failure> {
        let state = match error.code() {
            Some(400) => self.client.info().await.ok().and_then(|session| session.state),
            _ => None,
        };
        match state.filter(|state| *state != SessionState::AwaitingPlanApproval) {
            Some(state) => self.note(&format!(
                "{YELLOW}no plan waits for approval{YELLOW:#}: the session is {}",
                neutral(state.as_str())
            )),
            None => self.trouble(error),
        }
    }

    fn note(&mut self, text: &str) -> Result<(), Failure> {
        self.screen.print(text)
    }

    /// A request that failed does not end the conversation.
    fn trouble(&mut self, error: &Error) -> Result<(), Failure> {
        self.note(&format!("{YELLOW}{}{YELLOW:#}", neutral(&error.to_string())))
    }
}
