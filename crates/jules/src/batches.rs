//! Items out of batches: the one way in which our streams are streams.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use futures::future::BoxFuture;

use super::Error;

/// What a source of batches gives next; `None` is the end.
pub(super) type Batch<T> = Option<Result<Vec<T>, Error>>;

/// Something that gives items in batches.
pub(super) trait BatchSource: Send + Sized + 'static {
    type Item: Send + Unpin + 'static;

    /// The next batch; it may be empty. After an error or the end there is none.
    fn next_batch(&mut self) -> impl Future<Output = Batch<Self::Item>> + Send;
}

/// A stream of a source's items. It works only while it is polled: dropping it stops everything.
pub(super) struct Batches<S: BatchSource> {
    items: std::vec::IntoIter<S::Item>,
    state: State<S>,
}

enum State<S: BatchSource> {
    Idle(Box<S>),
    Busy(BoxFuture<'static, (Box<S>, Batch<S::Item>)>),
    Done,
}

impl<S: BatchSource> Batches<S> {
    pub(super) fn new(source: S) -> Self {
        Self { items: Vec::new().into_iter(), state: State::Idle(Box::new(source)) }
    }

    /// What is left of the present batch, or else the next one.
    pub(super) async fn next(&mut self) -> Batch<S::Item> {
        if self.items.len() > 0 {
            return Some(Ok(std::mem::take(&mut self.items).collect()));
        }
        let batch = match &mut self.state {
            State::Idle(source) => source.next_batch().await,
            State::Busy(work) => {
                let (source, batch) = work.await;
                self.state = State::Idle(source);
                batch
            }
            State::Done => None,
        };
        if !matches!(batch, Some(Ok(_))) {
            self.state = State::Done;
        }
        batch
    }

    /// The source, to be configured before the first poll.
    pub(super) fn source(&mut self) -> Option<&mut S> {
        match &mut self.state {
            State::Idle(source) => Some(source),
            State::Busy(_) | State::Done => None,
        }
    }
}

impl<S: BatchSource> Stream for Batches<S> {
    type Item = Result<S::Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.items.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            self.state = match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Idle(mut source) => State::Busy(Box::pin(async move {
                    let batch = source.next_batch().await;
                    (source, batch)
                })),
                State::Busy(mut work) => {
                    let Poll::Ready((source, batch)) = work.as_mut().poll(context) else {
                        self.state = State::Busy(work);
                        return Poll::Pending;
                    };
                    match batch {
                        Some(Ok(items)) => {
                            self.items = items.into_iter();
                            State::Idle(source)
                        }
                        Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                        None => State::Done,
                    }
                }
            };
        }
    }
}
