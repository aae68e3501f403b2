//! Whether the service keeps titles as they were sent: that a session can be told by its marker rests on it.

use crate::engine::input::Seen;

/// What listings have shown of the titles of sessions that are surely ours.
#[derive(Debug, Default)]
pub(super) struct Titles {
    /// The length of the longest one that was whole.
    longest: usize,
    /// One was shown without its marker.
    pub(super) are_changed: bool,
}

impl Titles {
    /// A listing shows a session of ours. What a person should know of it, once.
    pub(super) fn on_shown(&mut self, seen: &Seen) -> Option<String> {
        let title = seen.title.as_deref().unwrap_or_default();
        if seen.marker().is_some() {
            self.longest = self.longest.max(title.chars().count());
            return None;
        }
        let is_first = !std::mem::replace(&mut self.are_changed, true);
        is_first.then(|| {
            format!(
                "the service shows session {} as `{title}`, without the marker that its title was sent with: sessions in \
                 doubt are told by prompt, source and time, and strays cannot be told",
                seen.id
            )
        })
    }

    /// Whether a session that was created with this title may be shown with another.
    pub(super) fn may_change(&self, title: &str) -> bool {
        self.are_changed || title.chars().count() > self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Work;
    use jules::SessionState;

    fn shown(title: Option<&str>) -> Seen {
        Seen {
            id: "1".parse().unwrap(),
            title: title.map(str::to_owned),
            state: SessionState::InProgress,
            url: None,
            created: None,
            updated: None,
            work: Work::default(),
            archived: false,
            ask: None,
        }
    }

    #[test]
    fn titles_are_trusted_as_far_as_they_have_come_back_whole() {
        let mut titles = Titles::default();
        assert!(titles.may_change("Fix it [jb-01234567-7c1f-1]"));
        assert_eq!(titles.on_shown(&shown(Some("Fix it [jb-01234567-7c1f-1]"))), None);
        assert!(!titles.may_change("Mend it[jb-89abcdef-7c1f-1]"));
        assert!(titles.may_change("Fix that [jb-89abcdef-7c1f-1]"), "it is longer and may be cut");
    }

    #[test]
    fn a_title_without_its_marker_is_told_once() {
        for title in [None, Some("Another"), Some("Fix it [jb-0123")] {
            let mut titles = Titles::default();
            let told = titles.on_shown(&shown(title)).unwrap();
            assert!(told.contains("session 1") && told.contains(title.unwrap_or_default()), "{told}");
            assert_eq!(titles.on_shown(&shown(title)), None);
            titles.on_shown(&shown(Some("Fix it [jb-01234567-7c1f-1]")));
            assert!(titles.may_change("x"));
        }
    }
}
