//! Pages of lists.

use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{
    account::Account,
    activity,
    answer::Answer,
    failure::Failure,
    request::{self, Page},
    session::{Session, Shown},
    sources::Source,
};

impl Account {
    pub(super) fn list_sources(&self, page: Page, names: Option<&[String]>) -> Answer {
        let wanted = |source: &Source| names.is_none_or(|names| names.contains(&source.name()));
        let matching = self.sources.list().iter().enumerate().filter(|(_, source)| wanted(source));
        let mut rest = matching.skip_while(|(place, _)| *place < page.from.unwrap_or(0));
        let items: Vec<_> = rest.by_ref().take(page.size).map(|(_, source)| source.json()).collect();
        let next = rest.next().map(|(place, _)| place);
        Answer::json(&Listing::new("sources", items, next))
    }

    pub(super) fn list_sessions(
        &mut self,
        page: Page,
        archived: Option<bool>,
        now: Timestamp,
        arrives: bool,
    ) -> Answer {
        // A token says how many of the oldest sessions are left, so new ones do not move the pages.
        let below = page.from.unwrap_or(usize::MAX).min(self.sessions.len());
        let listed = |session: &Session| {
            let wanted = archived.is_none_or(|archived| session.archived == archived);
            !session.deleted && wanted && session.listed_from <= now
        };
        let mut places = (0..below).rev().filter(|place| listed(&self.sessions[*place]));
        let chosen: Vec<usize> = places.by_ref().take(page.size).collect();
        let next = places.next().map(|place| place + 1);
        for place in &chosen {
            self.sessions[*place].life.advance(now);
            self.seen(*place, now, arrives);
        }
        let shown: Vec<Shown<'_>> = chosen.iter().map(|place| self.sessions[*place].shown(now)).collect();
        Answer::json(&Listing::new("sessions", shown, next))
    }

    pub(super) fn list_activities(
        &mut self,
        id: &str,
        page: Page,
        after: Option<Timestamp>,
        now: Timestamp,
        arrives: bool,
    ) -> Result<Answer, Failure> {
        let place = self.find(id, now)?;
        let session = &self.sessions[place];
        let happened = &session.life.happened;
        let newer = after.map_or(0, |after| happened.partition_point(|happening| happening.at <= after));
        let from = page.from.unwrap_or(0).max(newer).min(happened.len());
        let until = (from + page.size).min(happened.len());
        let items: Vec<_> =
            (from..until).map(|index| activity::show(session, index, happened[index])).collect();
        let next = (until < happened.len()).then_some(until);
        let answer = Answer::json(&Listing::new("activities", items, next));
        if until == happened.len() && !happened.is_empty() {
            self.seen(place, now, arrives);
        }
        Ok(answer)
    }

    pub(super) fn get_activity(
        &mut self,
        id: &str,
        activity: &str,
        now: Timestamp,
    ) -> Result<Answer, Failure> {
        let place = self.find(id, now)?;
        let session = &self.sessions[place];
        let happened = &session.life.happened;
        let index = (0..happened.len())
            .find(|index| activity::id(session, *index) == activity)
            .ok_or_else(Failure::not_found)?;
        Ok(Answer::json(&activity::show(session, index, happened[index])))
    }
}

/// A page of a list; what is empty is left out.
#[derive(Debug)]
struct Listing<T> {
    name: &'static str,
    items: Vec<T>,
    next: Option<usize>,
}

impl<T> Listing<T> {
    fn new(name: &'static str, items: Vec<T>, next: Option<usize>) -> Self {
        Self { name, items, next }
    }
}

impl<T: Serialize> Serialize for Listing<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.items.is_empty() {
            map.serialize_entry(self.name, &self.items)?;
        }
        if let Some(next) = self.next {
            map.serialize_entry("nextPageToken", &request::token(next))?;
        }
        map.end()
    }
}
