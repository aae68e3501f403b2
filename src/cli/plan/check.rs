//! `plan --check`: the plan as the service sees it.

use std::collections::{HashMap, HashSet};

use foreign_text::line as neutral;
use futures::StreamExt as _;
use jiff::Timestamp;

use super::{PlanArgs, foretell, print, problems, runner};
use crate::cli::client::{self, said_when_long};
use crate::cli::console::{Console, GREEN, YELLOW};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::planned;
use crate::cli::run_error::cannot;
use crate::ledger::LedgerReader;
use crate::manifest::Manifest;
use crate::outcome::Marker;
use crate::plan::{ConnectedSource, Plan, Task, TaskId, TaskKey, expand};
use crate::report::many;
use crate::runner::{all_sources, connected, impatient, webhooks};
use jules::{ErrorKind, Jules, ListSessions, Session, SessionId};

/// How many sessions are searched for markers, which is more than any plan of the service starts in a day.
const MOST_SESSIONS: usize = 1_000;

pub(super) async fn run(args: &PlanArgs, manifest: Manifest, console: &Console) -> Result<Exit, Failure> {
    let jules = impatient(&client::connect(&args.service)?);
    let listed = said_when_long("listing the sources", console, all_sources(&jules)).await;
    let connected = connected(&listed.map_err(|error| client::unlisted(error, client::refused))?);
    let mut plan = expand(&manifest, Some(&connected)).map_err(|found| planned::invalid(&found, console))?;
    let runner = runner(args, manifest)?;
    runner.complete(&mut plan).map_err(|error| cannot(error, console))?;
    let plan = args.selection.apply(plan)?;
    let all = foretell(&runner, &plan, console)?;
    print(&plan, &all, args.format(), console)?;
    good(console, &format!("the service takes the key and lists {}", many(connected.len(), "source")));
    let troubles = troubles(&plan, &connected);
    if troubles.is_empty() {
        good(console, "every source is connected, and every branch that the service lists is there");
    }
    for trouble in &troubles {
        console.warn(trouble);
    }
    tell_webhooks(&plan, console);
    let known = in_ledger(args)?;
    // What the ledger has is told with the tasks.
    let starts: HashSet<&TaskId> = all.starting().collect();
    let mut adopted = adoptions(&jules, &plan, console).await?;
    adopted.retain(|(task, session)| starts.contains(&task.id) && !known.contains(&session.id));
    for (task, session) in &adopted {
        let url = session.url.as_deref().unwrap_or(session.id.as_str());
        console.say(&format!("would be adopted by `run`: {}  {}", neutral(task.id.as_str()), neutral(url)));
    }
    if adopted.is_empty() {
        good(console, "no session is there that a run would adopt");
    }
    // As `plan` ends by what it knows without asking.
    Ok(if troubles.is_empty() { Exit::Done } else { Exit::ManifestInvalid })
}

/// The sessions that the ledger has, if there is one.
fn in_ledger(args: &PlanArgs) -> Result<HashSet<SessionId>, Failure> {
    let opened = LedgerReader::open_if_sound(args.state.location()?);
    let sessions = opened.and_then(|reader| reader.map(|it| it.sessions_since(Timestamp::MIN)).transpose());
    Ok(sessions.map_err(crate::cli::recorded::unreadable)?.unwrap_or_default())
}

fn good(console: &Console, text: &str) {
    console.say(&format!("{GREEN}ok:{GREEN:#} {text}"));
}

/// Whom `notify` cannot tell, as the environment is here. The run may have another one, so it is a warning.
fn tell_webhooks(plan: &Plan, console: &Console) {
    let found = webhooks(&plan.settings.notify, |name| std::env::var(name).ok());
    for (webhook, found) in &found {
        if let Err(unusable) = found {
            let told = format!("`notify`: {webhook} is told nothing: {unusable}; {}", unusable.help());
            console.warn(&neutral(&told));
        }
    }
    if !found.is_empty() && found.iter().all(|(_, found)| found.is_ok()) {
        good(console, &format!("{} of `notify` can be told", many(found.len(), "webhook")));
    }
}

/// What the service will refuse, or may.
fn troubles(plan: &Plan, connected: &[ConnectedSource]) -> Vec<String> {
    let known: HashMap<String, &ConnectedSource> =
        connected.iter().map(|source| (source.github.to_lowercase(), source)).collect();
    let mut sources: Vec<_> = plan.tasks.iter().filter_map(|task| task.source.as_ref()).collect();
    sources.sort_unstable();
    sources.dedup();
    let trouble = |source: &crate::plan::TaskSource| {
        let (github, branch) = (neutral(&source.github), neutral(&source.branch));
        match known.get(&source.github.to_lowercase()) {
            None => Some(format!("{github} is not connected; connect it at https://jules.google.com")),
            Some(found) if !found.branches.is_empty() && !found.branches.contains(&source.branch) => {
                Some(format!("{github} has no branch {YELLOW}{branch}{YELLOW:#} that the service lists"))
            }
            Some(_) => None,
        }
    };
    let mut troubles = problems(&plan.tasks);
    troubles.extend(sources.into_iter().filter(|source| !source.branch.is_empty()).filter_map(trouble));
    troubles
}

/// The tasks with sessions that a run would adopt if its ledger lacked them: live ones, and finished ones that are young.
async fn adoptions<'p>(
    jules: &Jules,
    plan: &'p Plan,
    console: &Console,
) -> Result<Vec<(&'p Task, Session)>, Failure> {
    let former = plan.former_names();
    let by_key: Vec<(TaskKey, &Task)> =
        plan.tasks.iter().flat_map(|task| task.every_key(former).map(move |key| (key, task))).collect();
    let within = plan.settings.adoption.adopt_within;
    let listing = ListSessions::default().page_size(100);
    let mut sessions = jules.sessions_with(listing).take(MOST_SESSIONS);
    let mut found: HashMap<&TaskId, (&Task, Session)> = HashMap::new();
    while let Some(session) = sessions.next().await {
        let session = match session {
            Err(error) if *error.kind() == ErrorKind::Malformed => {
                let error = neutral(&error.to_string());
                console.warn(&format!("older sessions could not be looked at: {error}"));
                break;
            }
            session => session.map_err(client::refused)?,
        };
        let Some(marker) = session.title.as_deref().and_then(Marker::of_title) else { continue };
        let Some((_, task)) = by_key.iter().find(|(key, _)| marker.is_of_task(key)) else { continue };
        let young = session
            .create_time
            .is_some_and(|at| Timestamp::now().duration_since(at) <= within.try_into().unwrap_or_default());
        if !session.is_terminal() || young {
            // The newest comes first and stays.
            found.entry(&task.id).or_insert((task, session));
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_unstable_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::TaskSource;

    #[test]
    fn a_missing_source_and_a_missing_branch_are_troubles() {
        let connected = [ConnectedSource {
            github: "My-Org/web".into(),
            default_branch: None,
            branches: vec!["main".into()],
            gone: false,
        }];
        let mut plan = expand(
            &crate::manifest::inline(
                "x",
                &["my-org/web@main".into(), "my-org/web@old".into(), "my-org/api@main".into()],
                None,
                &crate::manifest::LoadOptions::default(),
            )
            .unwrap(),
            None,
        )
        .unwrap();
        let troubles_of = |plan: &Plan| troubles(plan, &connected);
        let told = troubles_of(&plan);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("my-org/api is not connected"), "{told:?}");
        assert!(told[1].contains("old"), "{told:?}");
        plan.tasks.retain(|task| {
            task.source == Some(TaskSource { github: "my-org/web".into(), branch: "main".into() })
        });
        assert!(troubles_of(&plan).is_empty());
    }
}
