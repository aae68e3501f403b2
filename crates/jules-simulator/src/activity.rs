//! Activities as they look on the wire.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{
    behaviour::{Activities, AsksIn, Ending},
    clock::print,
    life::{Happening, Report},
    session::Session,
    text,
};

/// The id of the session's activity number `index`.
pub(super) fn id(session: &Session, index: usize) -> String {
    let dice = session.dice.with("activity").nth(index as u64);
    format!("{:016x}{:016x}", dice.bits(), dice.nth(1).bits())
}

/// What a kind of activity shows beside the fields that all have.
struct Face {
    originator: &'static str,
    description: Option<String>,
    kind: Option<(&'static str, Value)>,
    artifacts: Vec<Value>,
}

impl Face {
    fn agent(name: &'static str, value: Value) -> Self {
        Self { originator: "agent", description: None, kind: Some((name, value)), artifacts: Vec::new() }
    }

    fn by(self, originator: &'static str) -> Self {
        Self { originator, ..self }
    }

    fn with(mut self, artifact: Value) -> Self {
        self.artifacts.push(artifact);
        self
    }

    fn progress(title: &str, description: &str) -> Self {
        let mut progress = json!({ "title": title });
        // Zero values are dropped on the wire.
        if !description.is_empty() {
            progress["description"] = description.into();
        }
        Self::agent("progressUpdated", progress)
    }

    fn bare(description: &str) -> Self {
        Self {
            originator: "agent",
            description: Some(description.to_owned()),
            kind: None,
            artifacts: Vec::new(),
        }
    }
}

/// The session's activity number `index`, on the wire.
pub(super) fn show(session: &Session, index: usize, happening: Happening) -> Value {
    let id = id(session, index);
    let face = face(session, happening);
    let mut activity = Map::new();
    activity.insert("name".to_owned(), format!("sessions/{}/activities/{id}", session.id).into());
    activity.insert("id".to_owned(), id.into());
    activity.insert("createTime".to_owned(), print(happening.at, session.behaviour.time_digits).into());
    activity.insert("originator".to_owned(), face.originator.into());
    if let Some(description) = face.description {
        activity.insert("description".to_owned(), description.into());
    }
    if !face.artifacts.is_empty() {
        activity.insert("artifacts".to_owned(), face.artifacts.into());
    }
    if let Some((name, value)) = face.kind {
        activity.insert(name.to_owned(), value);
    }
    Value::Object(activity)
}

fn face(session: &Session, happening: Happening) -> Face {
    match happening.report {
        Report::PlanGenerated => Face::agent("planGenerated", json!({ "plan": plan(session, happening) })),
        Report::PlanApproved => Face::agent("planApproved", json!({ "planId": plan_id(session) })).by("user"),
        Report::Progress(n) => {
            let (title, description) = text::progress(session.dice, n);
            Face::progress(title, description)
        }
        Report::Said(n) => said(&saying(session, n)),
        Report::Question(_) => {
            let question =
                session.behaviour.feedback.as_ref().and_then(|feedback| feedback.question.as_deref());
            asked(session, question.unwrap_or(text::QUESTION))
        }
        Report::LastWord => asked(session, session.behaviour.last_word.as_deref().unwrap_or_default()),
        Report::Paused => said("I pause here."),
        Report::Reply(n) => said(&reply(session, n)),
        Report::UserMessage(n) => {
            let message = session.messages.get(n as usize).map_or("", String::as_str);
            let message = if message.is_empty() { json!({}) } else { json!({ "userMessage": message }) };
            Face::agent("userMessaged", message).by("user")
        }
        Report::Completed => Face::agent("sessionCompleted", json!({})).by("system"),
        Report::Failed => Face::agent("sessionFailed", failure(session)).by("system"),
        Report::FinalChangeSet => {
            let (title, description) = text::progress(session.dice, 7);
            Face::progress(title, description).with(json!({ "changeSet": session.change_set(3) }))
        }
        Report::Unchanged => Face::progress("Finished", "Everything is as it should be."),
        Report::Pushed(n) => {
            Face::progress("Pushed the change", "").with(json!({ "changeSet": session.change_set(3 + n) }))
        }
        Report::Bash(_)
        | Report::Media(_)
        | Report::ChangeSet(_)
        | Report::StrangeActivity(_)
        | Report::StrangeArtifact(_)
        | Report::Bare(_) => extra(session, happening.report),
    }
}

/// The faces of the extras that a behaviour asks for.
fn extra(session: &Session, report: Report) -> Face {
    let activities = session.behaviour.activities.as_ref();
    match report {
        Report::Bash(n) => {
            let artifact = json!({ "bashOutput": bash_output(session, activities, n) });
            Face::progress("Ran a command", "").with(artifact)
        }
        Report::Media(_) => {
            let artifact = json!({ "media": { "data": image(activities), "mimeType": "image/png" } });
            Face::progress("Took a screenshot", "The page as it looks now.").with(artifact)
        }
        Report::ChangeSet(n) => {
            let parts = if n < 8 { 1 } else { 2 };
            Face::progress("Changed files", "").with(json!({ "changeSet": session.change_set(parts) }))
        }
        Report::StrangeActivity(_) => Face::agent("moodChanged", json!({ "mood": "curious" })),
        Report::StrangeArtifact(_) => {
            Face::progress("Made something new", "").with(json!({ "hologram": { "depth": 3 } }))
        }
        _ => Face::bare("Worked on."),
    }
}

fn said(text: &str) -> Face {
    Face::agent("agentMessaged", json!({ "agentMessage": text }))
}

/// What the agent wants to know, where the scenario has it say so.
fn asked(session: &Session, text: &str) -> Face {
    match session.behaviour.asks_in.unwrap_or_default() {
        AsksIn::Message => said(text),
        AsksIn::Progress => Face::progress("Waiting for you", text),
        AsksIn::Description => Face::bare(text),
    }
}

fn plan_id(session: &Session) -> String {
    format!("{:016x}", session.dice.with("plan").bits())
}

fn plan(session: &Session, happening: Happening) -> Value {
    let steps: Vec<Value> = text::plan_steps(&session.subject(), session.dice)
        .into_iter()
        .enumerate()
        .map(|(index, (title, description))| {
            let id = format!("{:016x}", session.dice.with("step").nth(index as u64).bits());
            let mut step = json!({ "id": id, "title": title, "description": description });
            // Zero values are dropped on the wire.
            if index > 0 {
                step["index"] = index.into();
            }
            step
        })
        .collect();
    json!({
        "id": plan_id(session),
        "steps": steps,
        "createTime": print(happening.at, session.behaviour.time_digits),
    })
}

fn saying(session: &Session, n: u32) -> String {
    let says = session
        .behaviour
        .activities
        .as_ref()
        .map(|activities| activities.says.as_slice())
        .unwrap_or_default();
    match says.len() {
        0 => text::saying(session.dice, n).to_owned(),
        count => says[n as usize % count].clone(),
    }
}

fn reply(session: &Session, n: u32) -> String {
    if let Some(reply) = &session.behaviour.reply {
        return reply.clone();
    }
    let message = session.messages.get(n as usize).map_or("", String::as_str);
    let start: String = message.lines().next().unwrap_or_default().chars().take(80).collect();
    format!("You wrote: \"{start}\". I take it into account and go on.")
}

fn failure(session: &Session) -> Value {
    if session.ending == Ending::FailureWithoutReason {
        return json!({});
    }
    let reason = session.doom.as_deref().or(session.behaviour.failure_reason.as_deref());
    json!({ "reason": reason.unwrap_or("The tests did not pass after several attempts.") })
}

fn bash_output(session: &Session, activities: Option<&Activities>, n: u32) -> Value {
    let (command, output, exit_code) = text::command(session.dice, n);
    let output = match activities.and_then(|activities| activities.output_bytes) {
        Some(bytes) => output.chars().cycle().take(bytes).collect(),
        None => output.to_owned(),
    };
    let mut bash = json!({ "command": command, "output": output });
    if exit_code != 0 {
        bash["exitCode"] = exit_code.into();
    }
    bash
}

fn image(activities: Option<&Activities>) -> String {
    let mut bytes = text::PIXEL.to_vec();
    if let Some(wanted) = activities.and_then(|activities| activities.media_bytes) {
        bytes.resize(wanted.max(bytes.len()), 0);
    }
    STANDARD.encode(bytes)
}
