//! `session chat`, in a terminal and through a pipe; and the questions that only a terminal is asked.

use super::{LONG, QUICK, created, finished, in_state, session};
use crate::support::{Signal, Terminal, World};

const SLOW: &str = "{ speed: 60, defaults: { duration: 10m, outcome: change, reply-after: 1s, reply: I will.,
    activities: { gap: 60s, with: [bash-output] } } }";

/// The line that is being typed: the last one that shows anything.
fn prompt(screen: &[String]) -> &str {
    screen.iter().rev().find(|line| !line.is_empty()).map_or("", String::as_str)
}

#[test]
fn the_stream_runs_above_the_line_that_is_typed() {
    let world = World::new(SLOW);
    let id = created(&world, "Think");
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter(&format!("jules-batch session chat {id}"));
    let screen = terminal.until(|screen| {
        prompt(screen) == "?" && screen.iter().any(|line| line.contains("the plan waits: /approve"))
    });
    assert!(screen.iter().any(|line| line.starts_with("   1. ")), "{screen:#?}");

    terminal.enter("/approve");
    terminal.until(|screen| prompt(screen) == ">");
    terminal.keys("Please be");
    terminal.until(|screen| prompt(screen) == "> Please be");
    terminal.until_shown("the agent is at work");
    let screen = terminal.until_shown("·");
    assert_eq!(prompt(&screen), "> Please be", "what is being typed is torn: {screen:#?}");
    terminal.enter(" quick");
    let screen = terminal.until_shown("agent: I will.");
    assert!(screen.iter().any(|line| line.ends_with("you: Please be quick")), "{screen:#?}");
    assert_eq!(world.sessions()[0].messages, ["Please be quick"]);
    assert_eq!(world.sessions()[0].approvals, 1);

    terminal.enter("/quit");
    terminal.until_shown("the session goes on; come back with");
    terminal.enter("stty -a | grep -o ' icanon'; echo status $?");
    let screen = terminal.until_shown("status 0");
    assert!(screen.iter().any(|line| line == " icanon"), "the terminal is not whole again: {screen:#?}");
}

#[test]
fn a_paste_is_one_message_and_what_was_entered_comes_back() {
    let world = World::new(&SLOW.replace("reply-after: 1s, reply: I will.,", ""));
    let id = created(&world, "Think --no-approval");
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter(&format!("jules-batch session chat {id}"));
    terminal.until(|screen| prompt(screen) == ">");
    let pasted = "Fix this:\n  error[E0308]: mismatched types \\\n\n/approve is no command here";
    terminal.paste(pasted);
    terminal.until(|screen| prompt(screen) == "/approve is no command here");
    assert_eq!(world.sessions()[0].messages, [""; 0], "nothing is sent before Enter");
    terminal.enter("!");
    world.until(|world| world.sessions()[0].messages.len() == 1);
    assert_eq!(world.sessions()[0].messages, [format!("{pasted}!")]);

    terminal.until(|screen| prompt(screen) == ">");
    terminal.enter("And a second one");
    world.until(|world| world.sessions()[0].messages.len() == 2);
    terminal.until(|screen| prompt(screen) == ">");
    terminal.key("Up");
    terminal.until(|screen| prompt(screen) == "> And a second one");
    terminal.key("Up");
    terminal.until(|screen| prompt(screen) == "/approve is no command here!");
    terminal.key("Down");
    terminal.key("Home");
    terminal.enter("Well: ");
    world.until(|world| world.sessions()[0].messages.len() == 3);
    assert_eq!(world.sessions()[0].messages[2], "Well: And a second one");
    terminal.until(|screen| prompt(screen) == ">");
    terminal.keys("/sta");
    terminal.key("Tab");
    terminal.until(|screen| prompt(screen) == "> /state");
}

#[test]
fn it_is_told_what_the_agent_waits_for_and_how_it_is_left() {
    let scenario =
        "{ defaults: { duration: 300ms, outcome: change, feedback: { times: 1, question: Which one? } } }";
    let world = World::new(scenario);
    let id = created(&world, "Think --no-approval");
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter(&format!("jules-batch session chat {id}"));
    let screen = terminal.until_shown("the agent waits for your answer");
    let at = |words: &str| screen.iter().rposition(|line| line.contains(words));
    assert!(at("Which one?") < at("the agent waits for your answer"), "{screen:#?}");
    terminal.until(|screen| prompt(screen) == "?");
    terminal.keys("half an ans");
    terminal.until(|screen| prompt(screen) == "? half an ans");
    terminal.key("C-c");
    terminal.until_shown("the agent still waits for your answer; come back with");
    terminal.enter("stty -a | grep -o ' icanon'; echo status $?");
    let screen = terminal.until_shown("status 0");
    // Behind the prompt where the shell was slower than the keys.
    assert!(screen.iter().any(|line| line.ends_with(" icanon") && !line.contains("stty")), "{screen:#?}");
}

#[test]
fn commands_are_understood_and_slips_are_not_sent() {
    let world = World::new(&SLOW.replace("speed: 60", "speed: 600"));
    let id = created(&world, "Think --no-approval -s my-org/web");
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter(&format!("jules-batch session chat {id}"));
    terminal.until_shown("completed");
    for (line, words) in [
        ("/help", "/approve   approve the plan that waits"),
        ("/diff", "file"),
        ("/diff full", "diff --git"),
        ("/plan", "1. "),
        ("/pr", "there is no pull request yet"),
        ("/state", "COMPLETED"),
        ("/accept", "there is no /accept"),
        ("/approve", "no plan waits for approval: the session is COMPLETED"),
    ] {
        terminal.enter(line);
        terminal.until_shown(words);
    }
    assert_eq!(world.sessions()[0].messages, [""; 0]);
    terminal.enter("two lines \\");
    terminal.until(|screen| prompt(screen) == "> two lines \\");
    terminal.enter("in one message");
    world.until(|world| !world.sessions()[0].messages.is_empty());
    assert_eq!(world.sessions()[0].messages, ["two lines \nin one message"]);
    terminal.until_shown("agent: I will.");
    terminal.key("C-d");
    terminal.until_shown("come back with");
}

#[test]
fn another_size_of_the_terminal_is_made_the_best_of() {
    let world = World::new(LONG);
    let id = created(&world, "Think");
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter(&format!("jules-batch session chat {id}"));
    terminal.until(|screen| prompt(screen) == ">");
    terminal.keys("what is typed");
    for (columns, rows) in [(60, 12), (100, 30)] {
        terminal.resize(columns, rows);
        terminal.until(|screen| screen.len() == usize::from(rows) && prompt(screen) == "> what is typed");
    }
    terminal.key("C-u");
    terminal.enter("/help");
    terminal.until_shown("/quit");
    terminal.key("C-c");
    terminal.until_shown("come back with");
    terminal.enter("echo status $?");
    terminal.until_shown("status 130");
}

#[test]
fn what_scrolls_away_can_be_read_again() {
    let world = World::new("{ defaults: { duration: 1s, outcome: change, activities: { gap: 20ms } } }");
    let id = finished(&world, "Think");
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter("echo before the chat");
    terminal.until_shown("before the chat");
    terminal.enter(&format!("jules-batch session chat {id}"));
    terminal.until_shown("the session has completed; a message sets it going again");
    let all = terminal.scrollback();
    assert!(all.contains("before the chat") && all.contains("plan approved"), "{all}");
    terminal.key("C-d");
    let screen = terminal.until_shown("come back with");
    assert!(!screen.iter().any(|line| line.contains("goes on")), "it has ended: {screen:#?}");
}

#[test]
fn a_signal_is_heard_while_the_service_is_silent() {
    let world =
        World::new("{ defaults: { duration: 10m }, faults: [{ kind: hang, on: sessions.sendMessage }] }");
    let id = created(&world, "Think --no-approval");
    let mut running = session(&world, &format!("chat {id}")).start();
    running.tell("Hello\n");
    running.until(|world| world.requests("sessions.sendMessage") == 1);
    running.signal(Signal::Interrupt);
    running.until_ended();
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "{ended}");
    assert!(ended.stderr.contains("may have been done all the same"), "{ended}");
}

#[test]
fn a_pipe_is_a_conversation_too() {
    let world = World::new(SLOW);
    let id = created(&world, "Think --no-approval");
    let mut running = session(&world, &format!("chat {id}")).start();
    running.tell("Hello\n/state\n");
    running.until(|world| world.sessions()[0].messages == ["Hello"]);
    running.until_printed("created ");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(!ended.stdout.contains('\u{1b}'), "{ended}");
    let mut running = session(&world, &format!("chat {id}")).start();
    running.until_printed("plan");
    running.signal(Signal::Terminate);
    running.until_ended();
    assert_eq!(running.wait().code, Some(143), "its input was still open: the signal ended it");
}

#[test]
fn a_terminal_is_asked_before_a_plan_is_approved() {
    let world = World::new(QUICK);
    let id = created(&world, "Think");
    in_state(&world, &id, &["AWAITING_PLAN_APPROVAL"]);
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter(&format!("jules-batch session approve {id}; echo status $?"));
    terminal.until_shown("Approve this plan? [y/N]");
    terminal.enter("n");
    terminal.until_shown("status 5");
    assert_eq!(world.sessions()[0].approvals, 0);
    // What the first command left on the screen must not be taken for words of the second.
    terminal.enter("clear");
    terminal.until(|screen| !screen.iter().any(|line| line.contains("approve")));
    terminal.enter(&format!("jules-batch session approve {id}; echo status $?"));
    terminal.until_shown("Approve this plan? [y/N]");
    terminal.enter("y");
    terminal.until_shown("status 0");
    assert_eq!(world.sessions()[0].approvals, 1);
}

#[test]
fn a_terminal_is_asked_before_sessions_go() {
    let world = World::new(LONG);
    let id = created(&world, "Think");
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter(&format!("jules-batch session delete {id}"));
    let screen = terminal.until_shown("Delete 1 session? [y/N]");
    assert!(screen.iter().any(|line| line.contains("1 has not ended")), "{screen:#?}");
    terminal.enter("");
    terminal.until_shown("nothing was done");
    assert!(!world.sessions()[0].deleted);
    terminal.enter("clear");
    terminal.until(|screen| !screen.iter().any(|line| line.contains("Delete")));
    terminal.enter(&format!("jules-batch session delete {id}"));
    terminal.until_shown("Delete 1 session? [y/N]");
    terminal.enter("y");
    terminal.until_shown("deleted");
    assert!(world.sessions()[0].deleted);
}

#[test]
fn tables_and_patches_are_for_eyes_on_a_terminal() {
    let world = World::new(QUICK);
    let id = finished(&world, "Think -s my-org/web -b main");
    let waiting = created(&world, "Think-of-a-rather-long-title");
    in_state(&world, &waiting, &["AWAITING_PLAN_APPROVAL"]);
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter("clear; jules-batch session list");
    let screen = terminal.until_shown("│");
    assert!(screen.iter().any(|line| line.contains(&id) && line.contains("COMPLETED")), "{screen:#?}");
    let row = screen.iter().find(|line| line.contains(&waiting)).unwrap_or_else(|| panic!("{screen:#?}"));
    let state = row.split_whitespace().find(|word| word.starts_with("AWAITING")).unwrap();
    assert!(["AWAITING", "AWAITING_PLAN", "AWAITING_PLAN_APPROVAL"].contains(&state), "{screen:#?}");
    terminal.enter(&format!("clear; jules-batch session diff {id} | head -1; jules-batch session diff {id}"));
    terminal.until_shown("+++ b/");
}
