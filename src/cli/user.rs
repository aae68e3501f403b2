//! Who gives a command.

/// The name of the user, as the machine knows it.
pub(crate) fn who() -> String {
    let names = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME", "USERNAME"];
    let name = names.iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.trim().is_empty()));
    name.unwrap_or_else(|| "somebody".to_owned())
}
