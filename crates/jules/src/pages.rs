//! Listings: the one paging protocol, and the streams of sessions and sources over it.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::Stream;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::batches::{Batch, BatchSource, Batches};
use super::error::ErrorKind;
use super::stream::{self, PAGE_SIZE};
use super::{
    Activity, Error, Jules, ListSessions, ListSources, Method, Page, Session, SessionId, Source, SourceName,
};

type Fetch<T> = Box<dyn Fn(Option<String>) -> BoxFuture<'static, Result<Page<T>, Error>> + Send + Sync>;

/// No listing has more pages: one whose tokens are new for ever is left there.
const MOST_PAGES: usize = 2_000;

/// Reads a listing page by page.
pub(super) struct Pager<T> {
    method: Method,
    fetch: Fetch<T>,
    next: Next,
    used: BTreeSet<String>,
    unreadable: Unreadable,
}

/// Where in the last page elements stood that could not be read.
type Unreadable = Arc<Mutex<Vec<usize>>>;

enum Next {
    Page(Option<String>),
    Nothing,
    /// The last page's token leads back to an earlier page, or nowhere: what stands behind it cannot be read.
    Circle,
}

impl<T> Pager<T> {
    /// Starts at `first`, which is a page's token or none for the beginning.
    pub(super) fn new<F>(method: Method, first: Option<String>, fetch: F) -> Self
    where
        F: Fn(Option<String>) -> BoxFuture<'static, Result<Page<T>, Error>> + Send + Sync + 'static,
    {
        let used = first.iter().cloned().collect();
        Self {
            method,
            fetch: Box::new(fetch),
            next: Next::Page(first),
            used,
            unreadable: Unreadable::default(),
        }
    }

    /// Whether the next page would be one that was read before.
    pub(super) fn is_circle(&self) -> bool {
        matches!(self.next, Next::Circle)
    }

    /// The next page's items; `None` after the last page. After an error the same page comes next.
    pub(super) async fn next_page(&mut self) -> Batch<T> {
        let token = match &self.next {
            Next::Page(token) => token,
            Next::Nothing => return None,
            Next::Circle => {
                self.next = Next::Nothing;
                let cause = match self.used.len() {
                    MOST_PAGES.. => "its pages have no end",
                    _ => "a page's token leads back to an earlier page",
                };
                return Some(Err(Error::caused_by(self.method, ErrorKind::Malformed, cause)));
            }
        };
        let page = match (self.fetch)(token.clone()).await {
            Ok(page) => page,
            Err(error) => return Some(Err(error)),
        };
        *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner) = page.unreadable;
        self.next = match page.next_page_token {
            None => Next::Nothing,
            Some(token) if self.used.len() < MOST_PAGES && self.used.insert(token.clone()) => {
                Next::Page(Some(token))
            }
            Some(_) => Next::Circle,
        };
        Some(Ok(page.items))
    }
}

impl<T: Send + Unpin + 'static> BatchSource for Pager<T> {
    type Item = T;

    async fn next_batch(&mut self) -> Batch<T> {
        self.next_page().await
    }
}

/// A listing as a stream: asks for the next page when the one before is used up, and ends after an error.
///
/// # Panics
///
/// When it is polled outside of a Tokio runtime with time and IO.
#[must_use = "it asks only when polled"]
pub struct Listing<T: Send + Unpin + 'static>(Batches<Pager<T>>, Unreadable);

impl<T: Send + Unpin + 'static> Listing<T> {
    fn of(pager: Pager<T>) -> Self {
        let unreadable = Arc::clone(&pager.unreadable);
        Self(Batches::new(pager), unreadable)
    }

    /// Where in the last page elements stood that could not be read: before which of its items each.
    pub fn unreadable(&self) -> Vec<usize> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The next page, which may be empty, or what is left of the present one; `None` after the last. An error is the
    /// listing's end, and so is a token that comes again.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn next_page(&mut self) -> Option<Result<Vec<T>, Error>> {
        self.0.next().await
    }
}

impl<T: Send + Unpin + 'static> Stream for Listing<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

impl<T: Send + Unpin + 'static> std::fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listing")
    }
}

impl Jules {
    /// All sessions that are not archived, newest first, in pages of 100.
    pub fn sessions(&self) -> Listing<Session> {
        self.sessions_with(ListSessions { page_size: Some(100), ..ListSessions::default() })
    }

    /// The sessions that this asks for, from its page on. A page that is too large is read in smaller ones.
    pub fn sessions_with(&self, listing: ListSessions) -> Listing<Session> {
        let (jules, first) = (self.clone(), listing.page_token.clone());
        let size = Arc::new(AtomicU32::new(listing.page_size.unwrap_or(PAGE_SIZE)));
        Listing::of(Pager::new(Method::ListSessions, first, move |page_token| {
            let (jules, size) = (jules.clone(), Arc::clone(&size));
            let mut page = ListSessions { page_token, ..listing.clone() };
            Box::pin(async move {
                loop {
                    let page_size = size.load(Ordering::Relaxed);
                    page.page_size = Some(page_size);
                    match jules.list_sessions(&page).await {
                        Err(error) if page_size > 1 && matches!(error.kind(), ErrorKind::TooLarge(_)) => {
                            size.store(page_size / 2, Ordering::Relaxed);
                        }
                        answer => return answer,
                    }
                }
            })
        }))
    }

    /// A session's activities, oldest first: all, or those younger than a time. A page that is too much at once is read in
    /// smaller ones.
    pub fn activities(&self, session: &SessionId, younger_than: Option<Timestamp>) -> Listing<Activity> {
        let size = Arc::new(AtomicU32::new(PAGE_SIZE));
        Listing::of(stream::pager(self.clone(), session.clone(), younger_than, size))
    }

    /// All connected sources, in pages of 100.
    pub fn sources(&self) -> Listing<Source> {
        self.sources_with(ListSources { page_size: Some(100), ..ListSources::default() })
    }

    /// The sources that this asks for, from its page on.
    pub fn sources_with(&self, listing: ListSources) -> Listing<Source> {
        let (jules, first) = (self.clone(), listing.page_token.clone());
        Listing::of(Pager::new(Method::ListSources, first, move |page_token| {
            let (jules, page) = (jules.clone(), ListSources { page_token, ..listing.clone() });
            Box::pin(async move { jules.list_sources(&page).await })
        }))
    }

    /// Reads the source `owner/repo` (or the one of this resource name).
    ///
    /// # Errors
    ///
    /// [`Error`]; [`ErrorKind::Input`] when the text is no source's name.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn source(&self, name: &str) -> Result<Source, Error> {
        let name = SourceName::new(name)
            .map_err(|error| Error::new(Method::GetSource, ErrorKind::Input(error.to_string())))?;
        self.get_source(&name).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};

    use super::*;

    type Script = Vec<Result<(&'static [u32], Option<&'static str>), ErrorKind>>;
    type Tokens = Arc<Mutex<Vec<Option<String>>>>;

    /// Answers with the pages of a script and notes the tokens it was asked with.
    fn scripted(pages: Script) -> (Listing<u32>, Tokens) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (notes, pages) = (Arc::clone(&asked), Mutex::new(pages.into_iter()));
        let pager = Pager::new(Method::ListSessions, None, move |token| {
            notes.lock().unwrap().push(token);
            let page = pages.lock().unwrap().next().expect("no more pages than scripted");
            let page = page
                .map(|(items, next)| Page {
                    items: items.to_vec(),
                    unreadable: Vec::new(),
                    next_page_token: next.map(str::to_owned),
                })
                .map_err(|kind| Error::new(Method::ListSessions, kind));
            async move { page }.boxed()
        });
        (Listing::of(pager), asked)
    }

    #[tokio::test]
    async fn pages_are_followed_to_the_end_also_over_empty_ones() {
        let (listing, asked) =
            scripted(vec![Ok((&[1, 2], Some("a"))), Ok((&[], Some("b"))), Ok((&[3], None))]);
        assert_eq!(listing.try_collect::<Vec<_>>().await.unwrap(), [1, 2, 3]);
        assert_eq!(*asked.lock().unwrap(), [None, Some("a".into()), Some("b".into())]);
    }

    #[tokio::test]
    async fn a_page_is_asked_for_only_when_it_is_needed() {
        let (mut listing, asked) = scripted(vec![Ok((&[1, 2], Some("a"))), Ok((&[3], None))]);
        assert_eq!(asked.lock().unwrap().len(), 0);
        listing.next().await.unwrap().unwrap();
        listing.next().await.unwrap().unwrap();
        assert_eq!(asked.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_token_that_comes_back_ends_the_listing_with_an_error() {
        let (listing, asked) =
            scripted(vec![Ok((&[1], Some("a"))), Ok((&[2], Some("b"))), Ok((&[3], Some("a")))]);
        let items: Vec<_> = listing.collect().await;
        assert_eq!(items.last().unwrap().as_ref().unwrap_err().kind(), &ErrorKind::Malformed);
        assert_eq!(asked.lock().unwrap().len(), 3);
        let read: Vec<_> = items.iter().filter_map(|item| item.as_ref().ok()).collect();
        assert_eq!(read, [&1, &2, &3], "what was read is given");
    }

    #[tokio::test]
    async fn the_token_that_a_listing_starts_with_is_known() {
        let start = Some("a".to_owned());
        let pager = Pager::new(Method::ListSessions, start, |_| {
            async { Ok(Page { items: vec![1], unreadable: Vec::new(), next_page_token: Some("a".into()) }) }
                .boxed()
        });
        let items: Vec<_> = Listing::of(pager).collect().await;
        assert_eq!(items.len(), 2, "one page and the error: {items:?}");
    }

    #[tokio::test]
    async fn pages_are_given_as_they_are_or_what_is_left_of_them() {
        let (mut listing, _) =
            scripted(vec![Ok((&[1, 2, 3], Some("a"))), Ok((&[], Some("b"))), Ok((&[4], Some("a")))]);
        assert_eq!(listing.next().await.unwrap().unwrap(), 1);
        for rest in [vec![2, 3], vec![], vec![4]] {
            assert_eq!(listing.next_page().await.unwrap().unwrap(), rest);
        }
        assert!(listing.next_page().await.unwrap().is_err(), "the token has come before");
        assert!(listing.next_page().await.is_none());
    }

    #[tokio::test]
    async fn an_error_ends_the_listing() {
        let (mut listing, _) = scripted(vec![Ok((&[1], Some("a"))), Err(ErrorKind::Interrupted)]);
        assert_eq!(listing.next().await.unwrap().unwrap(), 1);
        assert!(listing.next().await.unwrap().is_err());
        assert!(listing.next().await.is_none());
    }

    #[tokio::test]
    async fn pages_with_ever_new_tokens_end() {
        let asked = AtomicU32::new(0);
        let pager = Pager::new(Method::ListSources, None, move |_| {
            let token = Some(asked.fetch_add(1, Ordering::Relaxed).to_string());
            async { Ok(Page { items: vec![1], unreadable: Vec::new(), next_page_token: token }) }.boxed()
        });
        let items: Vec<_> = Listing::of(pager).collect().await;
        assert_eq!(items.len(), MOST_PAGES + 2);
        assert!(items.last().is_some_and(Result::is_err));
    }
}
