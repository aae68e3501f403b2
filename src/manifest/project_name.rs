//! Whose runs are meant in a ledger that several projects share: one name, whoever says it.

use std::path::Path;

use super::project::origin;

/// The project that is called so: without regard to case, since forges have none. An address counts as its repository.
pub(crate) fn project_called(name: &str) -> Option<String> {
    let name = name.trim();
    let head = name.split('/').next().unwrap_or_default();
    if name.contains("://") || (head.contains('@') && head.contains(':')) {
        return project_at(name);
    }
    let name = name.trim_matches('/').to_lowercase();
    (!name.is_empty()).then_some(name)
}

/// The project whose repository has this address: all of the path behind the host, since what a group holds may be called
/// alike in another one.
pub(crate) fn project_at(address: &str) -> Option<String> {
    let address = address.trim().to_lowercase().replace('\\', "/");
    let (host, path) = host_and_path(&address);
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if let Some(last) = parts.pop() {
        parts.extend(Some(last.strip_suffix(".git").unwrap_or(last)).filter(|last| !last.is_empty()));
    }
    let on_azure = match host.strip_suffix(".visualstudio.com") {
        Some("vs-ssh") => true,
        Some(organization) => {
            parts.retain(|part| *part != "defaultcollection");
            parts.insert(0, organization);
            true
        }
        None => host == "dev.azure.com" || host == "ssh.dev.azure.com",
    };
    if on_azure && parts.first() == Some(&"v3") {
        parts.remove(0);
    }
    if let Some(at) = parts.iter().position(|part| *part == "_git") {
        parts.remove(at);
        // Azure leaves out a project that is called like its repository, by https alone.
        if on_azure && let [_, repository] = parts[..] {
            parts.push(repository);
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The project of the remote `origin` of the repository that this folder is in.
pub(crate) fn project_of(folder: &Path) -> Option<String> {
    project_at(&origin(folder.ancestors().find(|folder| folder.join(".git").exists())?)?)
}

/// The host, without a user and a port, and the path behind it; no host for a folder.
fn host_and_path(address: &str) -> (&str, &str) {
    let (host, path) = match address.split_once("://") {
        Some((_, rest)) => {
            // A `/` before it is one of a password.
            let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
            rest.split_once('/').unwrap_or((rest, ""))
        }
        None => {
            // git@github.com:owner/repo
            let head = address.split('/').next().unwrap_or_default();
            head.rsplit_once(':').map_or(("", address), |(host, _)| (host, &address[host.len() + 1..]))
        }
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    (host.split_once(':').map_or(host, |(host, _)| host), path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_one_project_by_whichever_address() {
        for (project, addresses) in [
            (
                "acme-corp/web",
                &[
                    "https://github.com/Acme-Corp/Web.git",
                    "https://x-access-token:ghs_1@github.com/acme-corp/web/",
                    "git@github.com:Acme-Corp/Web.git",
                    "work:acme-corp/web",
                    "ssh://git@ssh.github.com:443/acme-corp/web.git",
                    "git@[::1]:acme-corp/web",
                ][..],
            ),
            (
                "acme/team/web",
                &[
                    "git@gitlab.com:acme/team/web.git",
                    "https://gitlab-ci-token:t@gitlab.com/acme/team/web.git",
                ],
            ),
            (
                "org/proj/web",
                &[
                    "https://dev.azure.com/Org/Proj/_git/Web",
                    "https://org@dev.azure.com/org/proj/_git/web",
                    "git@ssh.dev.azure.com:v3/org/proj/web",
                    "ssh://git@ssh.dev.azure.com:22/v3/org/proj/web",
                    "https://org.visualstudio.com/proj/_git/web",
                    "https://org.visualstudio.com/DefaultCollection/proj/_git/web",
                    "org@vs-ssh.visualstudio.com:v3/org/proj/web",
                ],
            ),
            ("org/web/web", &["https://dev.azure.com/org/_git/web", "git@ssh.dev.azure.com:v3/org/web/web"]),
            ("srv/git/o/r", &["/srv/git/o/r.git", "file:///srv/git/o/r", r"C:\srv\git\o\r"]),
        ] {
            for address in addresses {
                assert_eq!(project_at(address).as_deref(), Some(project), "{address}");
            }
        }
        assert_eq!(project_at("https://github.com/"), None);
    }

    #[test]
    fn what_is_called_alike_in_two_groups_is_two_projects() {
        let [a, b] = ["acme-a", "acme-b"].map(|group| project_at(&format!("git@h:{group}/team/web.git")));
        assert_ne!(a, b);
        assert_eq!(project_at("git@gitlab.com:v3/team/web").as_deref(), Some("v3/team/web"));
    }

    #[test]
    fn of_an_address_no_password_is_in_the_name() {
        for address in ["https://u:hun/ter2@github.com/o/r", "https://u:hunter2@github.com/o/r"] {
            assert_eq!(project_called(address).as_deref(), Some("o/r"));
        }
        assert_eq!(project_called("u:hunter2@h:o/r").as_deref(), Some("o/r"));
    }

    #[test]
    fn a_name_is_taken_without_regard_to_case_and_blanks() {
        assert_eq!(project_called(" Acme-Corp/Web\n").as_deref(), Some("acme-corp/web"));
        assert_eq!(project_called("gitlab: the web").as_deref(), Some("gitlab: the web"));
        assert_eq!((project_called(""), project_called(" / ")), (None, None));
    }
}
