//! The client of an account's REST API (v4), if the operator sets a token: the account itself, its users, sources,
//! contacts, leads and chat templates.
//!
//! The relay's guarantees do not depend on it. All calls of one bridge share a rate limit and a throttle, because Kommo
//! limits the rate by the caller's address, and blocks addresses that exceed it.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    Method, Response, StatusCode, Url,
    header::{self, HeaderValue, InvalidHeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::OnceCell,
    time::{Instant, sleep},
};

use crate::{
    kommo::{
        foreign_answer::{self, ForeignAnswer},
        http::{self, read_limited, retry_after, unreachable},
        wire::account::{self, Page, Problem},
    },
    lenient::Fields,
    net::{Egress, Http},
    rate_limit::RateLimit,
};

mod contacts;
mod error;
mod events;
mod expected;
mod leads;
mod people;
mod sources;
mod templates;
mod throttle;
pub mod token;

pub use error::RestError;
pub use events::{ClosedTalk, Sent};
pub use expected::Expected;
use throttle::Throttle;

/// Calls per second. Kommo allows seven for one address, and other programs may share it.
const CALLS_PER_SECOND: u32 = 5;
/// The maximum of pages of a list: more than any account has, but a limit against endless lists.
const MAX_PAGES: usize = 400;

/// How often a call is retried after 429, and the longest `Retry-After` for which it is.
const MAX_RETRIES: u32 = 2;
const MAX_RETRY_WAIT: Duration = Duration::from_secs(2);

/// The client of one account, with one token. Clones share the rate limit and the throttle.
#[derive(Clone)]
pub struct Account {
    http: Http,
    origin: Url,
    authorization: HeaderValue,
    rate_limit: Arc<RateLimit>,
    throttle: Arc<Throttle>,
    is_patient: bool,
    expected: Expected,
    /// Why the account is not the expected one, or `None` if it is, once that is known.
    verdict: Arc<OnceCell<Option<String>>>,
    /// The account's country, once it is known.
    country: Arc<OnceLock<String>>,
}

/// Why the client cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The token is no valid header value.
    #[error("the access token has characters that no token has")]
    Token(#[from] InvalidHeaderValue),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Http(#[from] reqwest::Error),
}

impl Account {
    /// A client of the account at `origin`, such as `https://example.kommo.com`, which it reaches by `egress`.
    ///
    /// # Errors
    /// If the token cannot be sent or the HTTP client cannot be set up.
    pub fn new(egress: &Egress, origin: Url, token: &str, timeout: Duration) -> Result<Self, SetupError> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))?;
        authorization.set_sensitive(true);
        let rate_limit = Arc::new(RateLimit::per_second(CALLS_PER_SECOND));
        Ok(Self {
            http: http::client(egress, timeout)?,
            origin,
            authorization,
            rate_limit,
            throttle: Arc::default(),
            is_patient: false,
            expected: Expected::default(),
            verdict: Arc::default(),
            country: Arc::default(),
        })
    }

    /// A clone with a rate limit of its own, for occasional probes that must not wait.
    #[must_use]
    pub fn hasty(&self) -> Self {
        Self { rate_limit: Arc::new(RateLimit::per_second(1)), ..self.clone() }
    }

    /// A clone whose calls have a lower priority.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self { is_patient: true, ..self.clone() }
    }

    /// `None` for an empty list or a missing entity: the API responds to both with 204.
    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<T>, RestError> {
        match self.call(Method::GET, path, query, None).await? {
            (StatusCode::NO_CONTENT, _) => Ok(None),
            (status, body) => decoded(status, &body).map(Some),
        }
    }

    /// All pages of the list `name`.
    async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        name: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, RestError> {
        let mut items = Vec::new();
        for page in 1..=MAX_PAGES {
            let number = page.to_string();
            let query = [query, &[("page", &number)]].concat();
            let page = match self.call(Method::GET, path, &query, None).await? {
                (StatusCode::NO_CONTENT, _) => break,
                (status, body) => page_of(status, &body, name)?,
            };
            items.extend(page.items);
            if !page.more {
                break;
            }
        }
        Ok(items)
    }

    /// Creates one entity, and returns it as Kommo has stored it.
    async fn post<T: DeserializeOwned>(&self, path: &str, name: &str, item: &impl Serialize) -> Result<T, RestError> {
        let (status, body) = self.call(Method::POST, path, &[], Some(encode(&[item]))).await?;
        first(status, &body, name)
    }

    async fn patch(&self, path: &str, change: &impl Serialize) -> Result<(), RestError> {
        let (status, body) = self.call(Method::PATCH, path, &[], Some(encode(change))).await?;
        done(status, &body)
    }

    /// Changes a contact or a lead. The response has its id.
    async fn patch_entity(&self, list: &str, id: u64, change: &impl Serialize) -> Result<(), RestError> {
        let (status, body) = self.call(Method::PATCH, &format!("{list}/{id}"), &[], Some(encode(change))).await?;
        changed(status, &body, id)
    }

    async fn delete(&self, path: &str) -> Result<(), RestError> {
        let (status, body) = self.call(Method::DELETE, path, &[], None).await?;
        done(status, &body)
    }

    /// Makes a call, after checking that the account is the expected one.
    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<(StatusCode, Vec<u8>), RestError> {
        self.ensure_expected().await?;
        self.send_with_retries(method, path, query, body).await
    }

    /// Makes a call without checking the account. Retries after short waits for 429, because all programs at this
    /// address share the limit.
    async fn send_with_retries(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<(StatusCode, Vec<u8>), RestError> {
        for _ in 0..MAX_RETRIES {
            match self.send_once(method.clone(), path, query, body.clone()).await {
                Err(RestError::Throttled { after, shut_out: false }) if after <= MAX_RETRY_WAIT => sleep(after).await,
                answer => return answer,
            }
        }
        self.send_once(method, path, query, body).await
    }

    /// Makes one request under the rate limit, unless the throttle holds calls back.
    async fn send_once(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<(StatusCode, Vec<u8>), RestError> {
        self.throttle.check(Instant::now())?;
        if self.is_patient {
            self.rate_limit.acquire_patiently().await;
        } else {
            self.rate_limit.acquire().await;
        }
        // A call that was made meanwhile may have exceeded the limit.
        self.throttle.check(Instant::now())?;
        let mut request = self.http.request(method, self.url(path, query));
        request = request.header(header::AUTHORIZATION, self.authorization.clone());
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        }
        let started_at = Instant::now();
        let response = self.http.send(request).await.map_err(unreachable)?;
        self.answer(started_at, response).await
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.origin.clone();
        let prefix = self.origin.path().trim_end_matches('/');
        url.set_path(&format!("{prefix}/api/v4/{path}"));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn answer(&self, started_at: Instant, response: Response) -> Result<(StatusCode, Vec<u8>), RestError> {
        let (status, in_header) = (response.status(), retry_after(&response));
        let body = read_limited(response).await;
        let after = in_header.max(body.as_ref().ok().and_then(|body| account::retry_after(body)));
        let problem = body.as_ref().ok().and_then(|body| Problem::of_kommo(status, body));
        self.throttle.note((status, problem.is_some()), after, started_at, Instant::now())?;
        let body = body?;
        if status.is_success() {
            return Ok((status, body));
        }
        Err(refusal(status, problem, &body, after))
    }
}

fn encode(body: &(impl Serialize + ?Sized)) -> Vec<u8> {
    serde_json::to_vec(body).expect("our own wire types have string keys only")
}

fn decoded<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, RestError> {
    // Every entity of Kommo's has an id; a proxy's JSON has none.
    let has_id = serde_json::from_slice::<Fields>(body).is_ok_and(|fields| fields.is_set("id"));
    serde_json::from_slice(body).ok().filter(|_| has_id).ok_or_else(|| unexpected(status, body))
}

fn refusal(status: StatusCode, problem: Option<Problem>, body: &[u8], after: Option<Duration>) -> RestError {
    match problem {
        Some(problem) => RestError::Refused { status, problem },
        None => RestError::ForeignAnswer(ForeignAnswer::new(status, body, after)),
    }
}

/// Checks that an entity was changed: the response has its id ("Contacts", "Leads": editing). Another id belongs to the
/// response to another request.
fn changed(status: StatusCode, body: &[u8], id: u64) -> Result<(), RestError> {
    let changed_id = serde_json::from_slice::<Fields>(body).ok().and_then(|fields| fields.read::<u64>("id"));
    if changed_id == Some(id) { Ok(()) } else { Err(unexpected(status, body)) }
}

/// Checks the success of a call whose response has no defined body.
fn done(status: StatusCode, body: &[u8]) -> Result<(), RestError> {
    if foreign_answer::says_done(body) { Ok(()) } else { Err(unexpected(status, body)) }
}

fn first<T: DeserializeOwned>(status: StatusCode, body: &[u8], name: &str) -> Result<T, RestError> {
    let page = Page::decode(body, name).ok_or_else(|| unexpected(status, body))?;
    page.items.into_iter().next().ok_or_else(|| unexpected(status, body))
}

fn page_of<T: DeserializeOwned>(status: StatusCode, body: &[u8], name: &str) -> Result<Page<T>, RestError> {
    Page::decode(body, name).ok_or_else(|| unexpected(status, body))
}

fn unexpected(status: StatusCode, body: &[u8]) -> RestError {
    RestError::ForeignAnswer(ForeignAnswer::new(status, body, None))
}

#[cfg(test)]
mod tests;
