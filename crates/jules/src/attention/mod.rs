//! Waiting for what a person has to do, and answering in that person's place.

mod needs;

use std::fmt;

use super::outcome;
use super::wait::{self, Wait};
use super::{
    AgentPlan, AutomatedSession, Error, Method, Session, SessionClient, SessionOutcome, SessionState,
};
use needs::Needs;

pub(super) use needs::Person;

/// What a session waits for, from [`SessionClient::wait_for_attention`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "one is made, at the end of a wait")]
pub enum Attention {
    /// Its plan is to be approved.
    Plan {
        /// The session as it was read last.
        session: Session,
        /// The plan, if it could be read.
        plan: Option<AgentPlan>,
    },
    /// It asks something.
    Question(Question),
    /// It was paused, and nothing of the service's resumes it; a message may.
    Paused(Session),
    /// It has ended. It may have completed with a question: [`SessionOutcome::open_question`].
    Ended(SessionOutcome),
}

/// A question of the agent's.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Question {
    /// The session as it was read last.
    pub session: Session,
    /// What it asks: the agent's last message and what it has said elsewhere since; none where it says nothing, or where that
    /// could not be read. Foreign text.
    pub text: Option<String>,
}

/// What it asks, in lines that a terminal may show.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(&foreign_text::tame(text)),
            None => f.write_str("(a question that could not be read)"),
        }
    }
}

impl SessionClient {
    /// Waits until a person has to do something: approve the plan, answer a question, see to a paused session, or take the
    /// result of one that has ended. What was approved or answered already does not count.
    ///
    /// One poll is under all of these, and the activities are read only where the session waits. What was sent or approved through
    /// this handle or a clone of it counts at once, although the service shows it some time later: the same plan or question comes
    /// again only when the session still waits for it after [`fresh_patience`](super::Options::fresh_patience).
    ///
    /// # Errors
    ///
    /// Those of [`result`](Self::result). That the activities of a session that waits cannot be read is none: then its plan, or
    /// its question, is missing.
    pub fn wait_for_attention(&self) -> Wait<Attention> {
        let client = self.clone();
        let waiting_for = format!("session {} to need attention", self.id);
        Wait::new(&self.jules, Method::GetSession, waiting_for, |last| async move {
            let (mut patience, mut needs) = (client.patience(), Needs::default());
            loop {
                let is_open = |session: &Session| needs.are_open(session);
                let session = wait::until(&client, &mut patience, &last, is_open).await?;
                if session.is_terminal() {
                    if let Some(outcome) = outcome::settle(&client, session, &mut patience, &last).await? {
                        return Ok(Attention::Ended(outcome));
                    }
                    continue;
                }
                needs.done = client.person.done();
                // What it waits for is told also where its activities cannot be read.
                let is_read = needs.read(&client, &session).await;
                if let Some(attention) = needs.attention(session, is_read) {
                    client.person.is_told(needs.agents);
                    return Ok(attention);
                }
                client.jules.pause(client.jules.options().poll_interval).await;
            }
        })
    }

    /// Waits until the session has ended, like [`result`](Self::result), and answers its questions meanwhile: `answer` is
    /// called with each, also with one that a session has completed with, and what it gives is sent. With `None` the
    /// question is left to a person, as with blank text. A plan that waits for an approval is not a question. An answer that
    /// the service has taken is not sent again, however late it shows it; one whose own answer was lost is, when it is not
    /// among the activities after [`fresh_patience`](super::Options::fresh_patience).
    ///
    /// ```no_run
    /// # async fn example(jules: jules::Jules) -> Result<(), jules::Error> {
    /// use jules::NewSession;
    ///
    /// let session = jules.run(NewSession::new("Upgrade the parser").source("o/r").branch("main")).await?;
    /// let outcome = session.on_question(async |_| Some("Decide yourself and go on.".to_owned())).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`result`](Self::result), and an [`Error`] when an answer is refused or surely was not sent.
    pub fn on_question<F>(&self, answer: impl FnMut(Question) -> F + Send + 'static) -> Wait<SessionOutcome>
    where
        F: Future<Output = Option<String>> + Send + 'static,
    {
        let client = self.clone();
        let waiting_for = format!("session {} to end", self.id);
        Wait::new(&self.jules, Method::GetSession, waiting_for, |last| async move {
            client.answer_all(answer, &last).await
        })
    }

    async fn answer_all<F>(
        self,
        mut answer: impl FnMut(Question) -> F + Send,
        last: &wait::LastState,
    ) -> Result<SessionOutcome, Error>
    where
        F: Future<Output = Option<String>> + Send,
    {
        let (mut patience, mut needs) = (self.patience(), Needs::default());
        loop {
            let is_open = |session: &Session| {
                session.state == Some(SessionState::AwaitingUserFeedback) && needs.are_open(session)
            };
            let session = wait::until(&self, &mut patience, last, is_open).await?;
            let mut ended = None;
            if session.is_terminal() {
                ended = outcome::settle(&self, session.clone(), &mut patience, last).await?;
                match &ended {
                    None => continue,
                    Some(outcome) if outcome.open_question.is_none() => return Ok(outcome.clone()),
                    Some(_) => {}
                }
            }
            let is_read = needs.read(&self, &session).await;
            if is_read && needs.may_answer() {
                let text = needs.digest.question();
                let answer = answer(Question { session, text }).await;
                if let Some(text) = answer.filter(|text| !text.trim().is_empty()) {
                    let is_accepted = self.send_once(&text).await?;
                    needs.sent(is_accepted, self.jules.options().fresh_patience);
                    continue;
                }
            }
            match ended {
                Some(outcome) if is_read && !needs.may_be_old() => return Ok(outcome),
                _ => self.jules.pause(self.jules.options().poll_interval).await,
            }
        }
    }

    /// Sends a message; whether the service has surely taken it. It may have where its answer is lost: the activities will tell.
    async fn send_once(&self, text: &str) -> Result<bool, Error> {
        match self.send(text).await {
            Err(error) if error.surely_not_processed() || !error.is_transient() => Err(error),
            Err(error) => {
                tracing::debug!(session = %self.id, %error, "the answer may have arrived");
                Ok(false)
            }
            Ok(()) => Ok(true),
        }
    }
}

impl AutomatedSession {
    /// The same as [`SessionClient::on_question`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn on_question<F>(&self, answer: impl FnMut(Question) -> F + Send + 'static) -> Wait<SessionOutcome>
    where
        F: Future<Output = Option<String>> + Send + 'static,
    {
        self.client.on_question(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionId;

    #[test]
    fn a_question_acts_on_nothing_where_it_is_shown() {
        let session = Session::new(SessionId::new("7").unwrap());
        let shown = |text: Option<&str>| {
            Question { session: session.clone(), text: text.map(str::to_owned) }.to_string()
        };
        assert_eq!(shown(Some("Which?\nThis\u{1b}[31m one?\u{202e}")), "Which?\nThis one?\u{fffd}");
        assert_eq!(shown(None), "(a question that could not be read)");
    }
}
