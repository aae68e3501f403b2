//! Which method a request calls, and with what.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::{failure::Failure, mask::Mask, method::Method};

/// A call of a method. Ids and names are as sent: nobody has looked whether they exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    SourcesList {
        page: Page,
        names: Option<Vec<String>>,
    },
    SourcesGet {
        name: String,
    },
    SessionsCreate,
    SessionsGet {
        id: String,
    },
    /// `archived` absent: both.
    SessionsList {
        page: Page,
        archived: Option<bool>,
    },
    SessionsDelete {
        id: String,
    },
    SendMessage {
        id: String,
    },
    ApprovePlan {
        id: String,
    },
    Archive {
        id: String,
    },
    Unarchive {
        id: String,
    },
    ActivitiesList {
        id: String,
        page: Page,
        after: Option<Timestamp>,
    },
    ActivitiesGet {
        id: String,
        activity: String,
    },
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) size: usize,
    /// Where the page starts: what the token of the page before says.
    pub(super) from: Option<usize>,
}

/// What a request's line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Routed {
    pub(super) method: Method,
    /// The call, unless its parameters are wrong.
    pub(super) call: Result<Call, Failure>,
    /// What of the answer is wanted.
    pub(super) mask: Mask,
    /// The key, where it is a parameter.
    pub(super) key: Option<String>,
}

/// Finds the method that a request calls. With `masks` the parameter `fields` selects parts of its answer.
pub(super) fn route(verb: &str, path: &str, query: Option<&str>, masks: bool) -> Option<Routed> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let method = method(verb, &segments)?;
    let mut query = Query::read(query.unwrap_or_default());
    let key = query.take("key");
    let fields = if masks { query.take("fields") } else { None };
    let mask = fields.as_deref().map_or_else(|| Ok(Mask::default()), Mask::read);
    Some(match mask {
        Ok(mask) => Routed { method, call: call(method, &segments, query), mask, key },
        Err(failure) => Routed { method, call: Err(failure), mask: Mask::default(), key },
    })
}

fn method(verb: &str, segments: &[&str]) -> Option<Method> {
    match (verb, segments) {
        ("GET", ["sources"]) => Some(Method::SourcesList),
        ("GET", ["sources", ..]) => Some(Method::SourcesGet),
        ("POST", ["sessions"]) => Some(Method::SessionsCreate),
        ("GET", ["sessions"]) => Some(Method::SessionsList),
        ("GET", ["sessions", id]) if !id.contains(':') => Some(Method::SessionsGet),
        ("DELETE", ["sessions", id]) if !id.contains(':') => Some(Method::SessionsDelete),
        ("POST", ["sessions", id]) => match id.split_once(':')?.1 {
            "sendMessage" => Some(Method::SendMessage),
            "approvePlan" => Some(Method::ApprovePlan),
            "archive" => Some(Method::Archive),
            "unarchive" => Some(Method::Unarchive),
            _ => None,
        },
        ("GET", ["sessions", _, "activities"]) => Some(Method::ActivitiesList),
        ("GET", ["sessions", _, "activities", _]) => Some(Method::ActivitiesGet),
        _ => None,
    }
}

fn call(method: Method, segments: &[&str], mut query: Query) -> Result<Call, Failure> {
    let id = || {
        let segment = segments.get(1).copied().unwrap_or_default();
        decoded(segment.split_once(':').map_or(segment, |(id, _)| id))
    };
    let call = match method {
        Method::SourcesList => Call::SourcesList {
            page: query.page(30)?,
            names: query.take("filter").map(|filter| names(&filter)).transpose()?,
        },
        Method::SourcesGet => Call::SourcesGet { name: decoded(&segments.join("/")) },
        Method::SessionsCreate => Call::SessionsCreate,
        Method::SessionsGet => Call::SessionsGet { id: id() },
        Method::SessionsList => Call::SessionsList {
            page: query.page(30)?,
            archived: query.take("filter").map_or(Ok(Some(false)), |filter| archived(&filter))?,
        },
        Method::SessionsDelete => Call::SessionsDelete { id: id() },
        Method::SendMessage => Call::SendMessage { id: id() },
        Method::ApprovePlan => Call::ApprovePlan { id: id() },
        Method::Archive => Call::Archive { id: id() },
        Method::Unarchive => Call::Unarchive { id: id() },
        Method::ActivitiesList => Call::ActivitiesList {
            id: id(),
            page: query.page(50)?,
            after: query.take("filter").map(|filter| created_after(&filter)).transpose()?,
        },
        // Its addresses are elsewhere.
        Method::GitHub(_) => return Err(Failure::not_found()),
        Method::ActivitiesGet => {
            Call::ActivitiesGet { id: id(), activity: decoded(segments.get(3).copied().unwrap_or_default()) }
        }
    };
    query.finish()?;
    Ok(call)
}

fn decoded(text: &str) -> String {
    // A form decoder would turn plus signs into blanks; in a path they stand for themselves.
    let text = text.replace('+', "%2B");
    url::form_urlencoded::parse(format!("x={text}").as_bytes())
        .next()
        .map_or(text, |(_, value)| value.into_owned())
}

/// The parameters of a request; one that nobody takes is an error, as it is for the service.
struct Query(Vec<(String, String)>);

impl Query {
    fn read(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(place).1).filter(|value| !value.is_empty())
    }

    fn page(&mut self, default: usize) -> Result<Page, Failure> {
        let size = match self.take("pageSize").map(|size| size.parse::<i64>()) {
            None | Some(Ok(0)) => default,
            Some(Ok(size)) if size > 0 => usize::try_from(size).unwrap_or(MOST_ON_A_PAGE).min(MOST_ON_A_PAGE),
            Some(_) => {
                return Err(Failure::invalid_field(
                    "page_size",
                    "The page size must be a number from 1 to 100.",
                ));
            }
        };
        let from = self.take("pageToken").map(|token| read_token(&token)).transpose()?;
        Ok(Page { size, from })
    }

    fn finish(self) -> Result<(), Failure> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Failure::invalid_field(
                name.clone(),
                format!(
                    "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. Field '{name}' could not be found in request message."
                ),
            )),
        }
    }
}

impl Call {
    /// The session that it names.
    pub(super) fn session(&self) -> Option<&str> {
        match self {
            Self::SessionsGet { id }
            | Self::SessionsDelete { id }
            | Self::SendMessage { id }
            | Self::ApprovePlan { id }
            | Self::Archive { id }
            | Self::Unarchive { id }
            | Self::ActivitiesList { id, .. }
            | Self::ActivitiesGet { id, .. } => Some(id),
            Self::SourcesList { .. }
            | Self::SourcesGet { .. }
            | Self::SessionsCreate
            | Self::SessionsList { .. } => None,
        }
    }

    /// The token that leads to the page it asks for, if it asks for a page.
    pub(super) fn own_token(&self) -> Option<String> {
        match self {
            // Sessions are counted from the oldest, and listed from the newest.
            Self::SessionsList { page, .. } => Some(token(page.from.unwrap_or(usize::MAX))),
            Self::SourcesList { page, .. } | Self::ActivitiesList { page, .. } => {
                Some(token(page.from.unwrap_or(0)))
            }
            Self::SourcesGet { .. }
            | Self::SessionsCreate
            | Self::SessionsGet { .. }
            | Self::SessionsDelete { .. }
            | Self::SendMessage { .. }
            | Self::ApprovePlan { .. }
            | Self::Archive { .. }
            | Self::Unarchive { .. }
            | Self::ActivitiesGet { .. } => None,
        }
    }
}

const MOST_ON_A_PAGE: usize = 100;

/// The token that leads to the page starting at `place`.
pub(super) fn token(place: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("page {place}"))
}

fn read_token(token: &str) -> Result<usize, Failure> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix("page ")?.parse().ok())
        .ok_or_else(|| Failure::invalid_field("page_token", "The page token is not valid."))
}

/// `name=sources/github/o/r`, several joined by `OR`.
fn names(filter: &str) -> Result<Vec<String>, Failure> {
    filter
        .split(" OR ")
        .map(|term| {
            let value = comparison(term, "name", "=")?;
            Some(value.trim_matches('"').to_owned()).filter(|value| !value.is_empty())
        })
        .collect::<Option<_>>()
        .ok_or_else(|| invalid_filter(filter))
}

/// `archived = true`, or several such joined by `OR`; `None` when both are wanted.
fn archived(filter: &str) -> Result<Option<bool>, Failure> {
    let term = |term: &str| match comparison(term, "archived", "=") {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => Err(invalid_filter(filter)),
    };
    let wanted = filter.split(" OR ").map(term).collect::<Result<Vec<_>, _>>()?;
    let first = wanted.first().copied().filter(|first| wanted.iter().all(|other| other == first));
    Ok(first)
}

/// `create_time > "2026-11-23T10:00:00Z"`.
fn created_after(filter: &str) -> Result<Timestamp, Failure> {
    comparison(filter, "create_time", ">")
        .and_then(|value| value.strip_prefix('"')?.strip_suffix('"')?.parse().ok())
        .ok_or_else(|| invalid_filter(filter))
}

/// The right side of `field operator value`.
fn comparison<'a>(term: &'a str, field: &str, operator: &str) -> Option<&'a str> {
    Some(term.trim().strip_prefix(field)?.trim_start().strip_prefix(operator)?.trim())
}

fn invalid_filter(filter: &str) -> Failure {
    Failure::invalid_field("filter", format!("Invalid filter: {filter}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(verb: &str, path: &str, query: &str) -> Call {
        route(verb, path, Some(query), false).unwrap().call.unwrap()
    }

    fn refused(path: &str, query: &str) -> bool {
        route("GET", path, Some(query), false).unwrap().call.is_err_and(|failure| failure.code == 400)
    }

    #[test]
    fn all_twelve_methods_are_found() {
        for (verb, path, name) in [
            ("GET", "sources", "sources.list"),
            ("GET", "sources/github/o/r", "sources.get"),
            ("POST", "sessions", "sessions.create"),
            ("GET", "sessions/1", "sessions.get"),
            ("GET", "sessions", "sessions.list"),
            ("DELETE", "sessions/1", "sessions.delete"),
            ("POST", "sessions/1:sendMessage", "sessions.sendMessage"),
            ("POST", "sessions/1:approvePlan", "sessions.approvePlan"),
            ("POST", "sessions/1:archive", "sessions.archive"),
            ("POST", "sessions/1:unarchive", "sessions.unarchive"),
            ("GET", "sessions/1/activities", "activities.list"),
            ("GET", "sessions/1/activities/a", "activities.get"),
        ] {
            assert_eq!(
                route(verb, path, None, false).map(|routed| routed.method.name()),
                Some(name),
                "{verb} {path}"
            );
        }
    }

    #[test]
    fn there_are_no_others() {
        for (verb, path) in [
            ("POST", "sessions/1:cancel"),
            ("POST", "sessions/1:resume"),
            ("PATCH", "sessions/1"),
            ("POST", "sessions/1"),
            ("GET", "sessions/1:archive"),
            ("GET", "quota"),
            ("DELETE", "sources/github/o/r"),
        ] {
            assert_eq!(route(verb, path, None, false), None, "{verb} {path}");
        }
    }

    #[test]
    fn page_sizes_default_and_are_cut() {
        let size = |path: &str, query: &str| match ok("GET", path, query) {
            Call::SourcesList { page, .. }
            | Call::SessionsList { page, .. }
            | Call::ActivitiesList { page, .. } => page.size,
            other => panic!("{other:?}"),
        };
        assert_eq!(size("sources", ""), 30);
        assert_eq!(size("sessions", ""), 30);
        assert_eq!(size("sessions/1/activities", ""), 50);
        assert_eq!(size("sessions", "pageSize=7"), 7);
        assert_eq!(size("sessions", "pageSize=5000"), 100);
        assert!(refused("sessions", "pageSize=-1"));
        assert!(refused("sessions", "pageSize=many"));
    }

    #[test]
    fn tokens_lead_back_and_cannot_be_made_up() {
        let query = format!("pageToken={}", token(42));
        assert!(matches!(
            ok("GET", "sessions", &query),
            Call::SessionsList { page: Page { from: Some(42), .. }, .. }
        ));
        assert!(refused("sessions", "pageToken=42"));
    }

    #[test]
    fn filters_are_those_of_the_service() {
        assert!(matches!(
            ok("GET", "sessions", "filter=archived+%3D+true"),
            Call::SessionsList { archived: Some(true), .. }
        ));
        assert!(matches!(
            ok("GET", "sessions", "filter=archived=false"),
            Call::SessionsList { archived: Some(false), .. }
        ));
        for both in ["archived+%3D+true+OR+archived+%3D+false", "archived=false+OR+archived=true"] {
            let call = ok("GET", "sessions", &format!("filter={both}"));
            assert!(matches!(call, Call::SessionsList { archived: None, .. }), "{both}");
        }
        assert!(refused("sessions", "filter=archived%3Dtrue+OR+state%3DFAILED"));
        assert!(refused("sessions", "filter=state%3DFAILED"));
        let after = ok("GET", "sessions/1/activities", "filter=create_time+%3E+%222026-11-23T10:00:00.5Z%22");
        assert!(
            matches!(after, Call::ActivitiesList { after: Some(at), .. } if at.subsec_millisecond() == 500)
        );
        ok("GET", "sessions/1/activities", "filter=create_time%3E%222026-11-23T10:00:00Z%22");
        assert!(refused("sessions/1/activities", "filter=create_time+%3E%3D+%222026-11-23T10:00:00Z%22"));
        assert!(refused("sessions/1/activities", "createTime=2026-11-23T10:00:00Z"));
        assert_eq!(
            ok("GET", "sources", "filter=name%3Dsources/github/a/b+OR+name%3Dsources/github/c/d"),
            Call::SourcesList {
                page: Page { size: 30, from: None },
                names: Some(vec!["sources/github/a/b".to_owned(), "sources/github/c/d".to_owned()])
            }
        );
        assert!(refused("sources", "filter=owner%3Da"));
    }

    #[test]
    fn fields_are_an_unknown_parameter_unless_masks_are_on() {
        let query = Some("fields=sessions%28id%29");
        assert!(refused("sessions", "fields=sessions(id)"));
        let routed = route("GET", "sessions", query, true).unwrap();
        assert!(routed.call.is_ok() && routed.mask == Mask::read("sessions(id)").unwrap());
        assert!(route("GET", "sessions", Some("fields=("), true).unwrap().call.is_err());
    }

    #[test]
    fn names_are_decoded() {
        assert_eq!(
            ok("GET", "sources/github/my%20org/c++", ""),
            Call::SourcesGet { name: "sources/github/my org/c++".to_owned() }
        );
    }
}
