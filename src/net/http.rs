//! A client that says why it brings no answer.

use std::{convert::Infallible, sync::Arc};

use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response, StatusCode, Url};

use crate::net::{
    causes::{self, Stage},
    diagnose,
    egress::Egress,
    endpoint::Endpoint,
    observe::UnderWay,
    proxied,
    request_error::{Cause, RequestError},
};

/// A client of one side. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
    egress: Arc<Egress>,
}

impl Http {
    /// A client that goes `egress`, and is otherwise as `finish` makes it.
    pub fn new(egress: &Egress, finish: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Self, reqwest::Error> {
        let client = finish(egress.client()?).build()?;
        Ok(Self { client, egress: Arc::new(egress.clone()) })
    }

    /// A client that was set up otherwise, and goes `egress`.
    #[must_use]
    pub fn of(client: Client, egress: &Egress) -> Self {
        Self { client, egress: Arc::new(egress.clone()) }
    }

    /// A GET, for [`Http::send`].
    pub fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    /// A POST, for [`Http::send`].
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// Any request, for [`Http::send`].
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Where a request to `url` goes.
    #[must_use]
    pub fn place(&self, url: &Url) -> Endpoint {
        self.egress.place(url)
    }

    /// Sends a request, and waits for the head of the answer.
    ///
    /// # Errors
    /// Why none came.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, RequestError> {
        self.send_or(request, |_| None::<Infallible>).await.map_err(|failed| match failed {
            Failed::RequestError(trouble) => trouble,
            Failed::Known(never) => match never {},
        })
    }

    /// The same for a caller that knows some of the client's errors itself.
    ///
    /// # Errors
    /// Why no answer came: what `known` says, or the general words.
    pub async fn send_or<K>(
        &self,
        request: RequestBuilder,
        known: impl FnOnce(&reqwest::Error) -> Option<K>,
    ) -> Result<Response, Failed<K>> {
        let request = request.build().map_err(|_| Failed::RequestError(unmade()))?;
        let (url, place) = (request.url().clone(), self.egress.place(request.url()));
        let mut under_way = UnderWay::new(self.egress.observer(), request.method(), request.url());
        let error = match self.client.execute(request).await {
            // Of an address of http the proxy says so in place of the host, which has heard nothing.
            Ok(response) if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                return Err(Failed::RequestError(not_let_in(place)));
            }
            Ok(mut response) => {
                under_way.answered(response.status().as_u16());
                response.extensions_mut().insert(place);
                return Ok(response);
            }
            Err(error) => error,
        };
        drop(under_way);
        if let Some(known) = known(&error) {
            return Err(Failed::Known(known));
        }
        let trouble = causes::of(&error, place, Stage::Asked);
        // It is seldom needed, and would make every request as large as it is.
        Err(Failed::RequestError(Box::pin(diagnose::closer(&self.egress, &url, trouble)).await))
    }
}

/// Why no answer came.
#[derive(Debug)]
pub enum Failed<K> {
    /// What the caller knows by itself.
    Known(K),
    RequestError(RequestError),
}

/// Where an answer of [`Http::send`] comes from.
#[must_use]
pub fn place(response: &Response) -> Endpoint {
    response.extensions().get::<Endpoint>().cloned().unwrap_or_else(|| unmade().place)
}

/// Where an answer comes from, unless it is the proxy's word that it has not reached the host.
///
/// # Errors
/// What the proxy says.
pub fn reached(response: &Response) -> Result<Endpoint, RequestError> {
    let place = place(response);
    let is_gateways = matches!(response.status().as_u16(), 502..=504) && response.url().scheme() == "http";
    match place.proxy.as_ref().filter(|_| is_gateways) {
        Some(proxy) => {
            let cause = Cause::Proxy(proxied::answered(response.status().as_u16(), proxy));
            Err(RequestError { place, cause, was_sent: true })
        }
        None => Ok(place),
    }
}

/// Why an answer broke off. To be asked with the answer itself.
#[must_use]
pub fn broken(response: &Response, error: &reqwest::Error) -> RequestError {
    broken_at(place(response), error)
}

/// The same, where the answer itself has become its body.
#[must_use]
pub fn broken_at(place: Endpoint, error: &reqwest::Error) -> RequestError {
    causes::of(error, place, Stage::Answering)
}

fn not_let_in(place: Endpoint) -> RequestError {
    let why = place.proxy.as_ref().map(proxied::wants_credentials);
    let why = why.unwrap_or_else(|| "on the way wants a user and a password (407)".to_owned());
    RequestError { place, cause: Cause::Proxy(why), was_sent: false }
}

/// A request that cannot be written has no place.
fn unmade() -> RequestError {
    let place = Endpoint { host: "the request".to_owned(), proxy: None };
    RequestError { place, cause: Cause::Other("it cannot be written".to_owned()), was_sent: false }
}
