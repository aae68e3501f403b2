//! The deadline of an invocation: it counts from the beginning, also while nothing is started yet.

use std::time::Duration;

use tokio::time::Instant;

use super::RunError;

/// When an invocation began, and how long it may take; none is no bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    began: Instant,
    timeout: Option<Duration>,
}

impl Deadline {
    /// It begins now.
    pub(super) fn begin(timeout: Option<Duration>) -> Self {
        Self { began: Instant::now(), timeout }
    }

    /// What is left of it.
    pub(super) fn left(&self) -> Option<Duration> {
        Some(self.timeout?.saturating_sub(self.began.elapsed()))
    }

    /// What comes of `asking`, if that is in time. `doing` says what for.
    ///
    /// # Errors
    ///
    /// That of `asking`, or [`RunError::Deadline`].
    pub(super) async fn bound<T, E: Into<RunError>>(
        &self,
        doing: &'static str,
        asking: impl Future<Output = Result<T, E>>,
    ) -> Result<T, RunError> {
        let Some(left) = self.left() else { return asking.await.map_err(Into::into) };
        match tokio::time::timeout(left, asking).await {
            Ok(answer) => answer.map_err(Into::into),
            Err(_) => Err(RunError::Deadline { doing }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_over_all_that_is_asked_for() {
        let deadline = Deadline::begin(Some(Duration::from_secs(10)));
        let slow = async || {
            tokio::time::sleep(Duration::from_secs(6)).await;
            Ok::<_, RunError>(7)
        };
        assert!(matches!(deadline.bound("a", slow()).await, Ok(7)));
        assert_eq!(deadline.left(), Some(Duration::from_secs(4)));
        assert!(matches!(deadline.bound("b", slow()).await, Err(RunError::Deadline { doing: "b" })));
        assert_eq!(deadline.left(), Some(Duration::ZERO));
        let endless = Deadline::begin(None);
        let never = endless.bound("c", pending::<Result<(), RunError>>());
        assert!(tokio::time::timeout(Duration::from_secs(99_999), never).await.is_err());
    }
}
