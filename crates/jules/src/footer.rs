//! The line that the service ends its pull requests with, which names the session.

use super::SessionId;
use super::id::is_session_number;

const BEGINNING: &str = "*PR created automatically by Jules for task [";
const LINK: &str = "](https://jules.google.com/task/";

/// The session that the last such line of a pull request's body names. Others may have written below it; what is quoted
/// or stands within a line is not the service's.
pub(super) fn session_of_body(body: &str) -> Option<SessionId> {
    body.lines().rev().find_map(|line| session_of_line(line.trim()))
}

fn session_of_line(line: &str) -> Option<SessionId> {
    let (id, rest) = line.strip_prefix(BEGINNING)?.split_once(LINK)?;
    let (linked, rest) = rest.split_once(')')?;
    let is_whole = id == linked && is_session_number(id) && rest.ends_with('*');
    is_whole.then(|| SessionId::new(id).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1234567890123456789";

    fn line(id: &str, linked: &str) -> String {
        format!("{BEGINNING}{id}{LINK}{linked}) started by @octocat*")
    }

    fn found(body: &str) -> Option<String> {
        session_of_body(body).map(String::from)
    }

    #[test]
    fn the_last_line_names_the_session() {
        let own = line(ID, ID);
        for body in [
            own.clone(),
            format!("What I did.\n\n---\n{own}"),
            format!("What I did.\r\n\r\n---\r\n  {own}\r\n"),
            format!("x\n---\n{own}\n\n<!-- a bot's remark -->\nMore."),
            format!("{}\n{own}", line("1111111111111111", "1111111111111111")),
            format!("{BEGINNING}{ID}{LINK}{ID})*"),
        ] {
            assert_eq!(found(&body).as_deref(), Some(ID), "{body:?}");
        }
    }

    #[test]
    fn what_only_looks_like_it_names_none() {
        let own = line(ID, ID);
        for body in [
            String::new(),
            format!("> {own}"),
            format!("As it says: {own}"),
            format!("`{own}`"),
            line(ID, "9999999999999999999"),
            line("123", "123"),
            line("123456789012345678901", "123456789012345678901"),
            line("12345678901234567x9", "12345678901234567x9"),
            line(&format!("{ID} "), &format!("{ID} ")),
            own.replace("jules.google.com", "jules.google.com.example"),
            own.replace("https:", "http:"),
            own.replace(&format!("task/{ID}"), &format!("task/../{ID}")),
            own.replace("](", "]\n("),
            own.replace("@octocat*", "@octocat"),
            "*PR created automatically by Jules for task [".to_owned(),
        ] {
            assert_eq!(found(&body), None, "{body:?}");
        }
    }
}
