//! An HTTP client whose errors say what went wrong.

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

/// An HTTP client of one side. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
    egress: Arc<Egress>,
}

impl Http {
    /// A client that goes out by `egress`; `finish` sets its other options.
    pub fn new(egress: &Egress, finish: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Self, reqwest::Error> {
        let client = finish(egress.client()?).build()?;
        Ok(Self { client, egress: Arc::new(egress.clone()) })
    }

    /// Wraps a client that was built elsewhere, and goes out by `egress`.
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

    /// Sends a request, and waits for the head of the response.
    ///
    /// # Errors
    /// If no response came.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, RequestError> {
        self.send_or(request, |_| None::<Infallible>).await.map_err(|failed| match failed {
            Failed::RequestError(error) => error,
            Failed::Known(never) => match never {},
        })
    }

    /// The same for a caller that handles some of the client's errors itself.
    ///
    /// # Errors
    /// If no response came: what `known` made of the client's error, or else a [`RequestError`].
    pub async fn send_or<K>(
        &self,
        request: RequestBuilder,
        known: impl FnOnce(&reqwest::Error) -> Option<K>,
    ) -> Result<Response, Failed<K>> {
        let request = request.build().map_err(|_| Failed::RequestError(not_built()))?;
        let (url, place) = (request.url().clone(), self.egress.place(request.url()));
        let mut under_way = UnderWay::new(self.egress.observer(), request.method(), request.url());
        let error = match self.client.execute(request).await {
            // For an http URL the proxy responds in place of the host, which has not seen the request.
            Ok(response) if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                return Err(Failed::RequestError(proxy_denied(place)));
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
        let error = causes::of(&error, place, Stage::Sent);
        // Boxed: it is rarely needed, and would enlarge every request's future.
        Err(Failed::RequestError(Box::pin(diagnose::diagnose(&self.egress, &url, error)).await))
    }
}

/// Why no response came.
#[derive(Debug)]
pub enum Failed<K> {
    /// An error that the caller handles itself.
    Known(K),
    RequestError(RequestError),
}

/// The origin of a response of [`Http::send`].
#[must_use]
pub fn place(response: &Response) -> Endpoint {
    response.extensions().get::<Endpoint>().cloned().unwrap_or_else(|| not_built().place)
}

/// The origin of a response, unless it is a proxy's and says that the host was not reached.
///
/// # Errors
/// The proxy's error.
pub fn reached(response: &Response) -> Result<Endpoint, RequestError> {
    let place = place(response);
    let is_gateway_error = matches!(response.status().as_u16(), 502..=504) && response.url().scheme() == "http";
    match place.proxy.as_ref().filter(|_| is_gateway_error) {
        Some(proxy) => {
            let cause = Cause::Proxy(proxied::refused(response.status().as_u16(), proxy));
            Err(RequestError { place, cause, was_sent: true })
        }
        None => Ok(place),
    }
}

/// Why reading the body of a response failed.
#[must_use]
pub fn broken(response: &Response, error: &reqwest::Error) -> RequestError {
    broken_at(place(response), error)
}

/// The same for a response that was turned into its body.
#[must_use]
pub fn broken_at(place: Endpoint, error: &reqwest::Error) -> RequestError {
    causes::of(error, place, Stage::Receiving)
}

fn proxy_denied(place: Endpoint) -> RequestError {
    let why = place.proxy.as_ref().map(proxied::wants_credentials);
    let why = why.unwrap_or_else(|| "on the way wants a user and a password (407)".to_owned());
    RequestError { place, cause: Cause::Proxy(why), was_sent: false }
}

/// A request that cannot be built has no endpoint.
fn not_built() -> RequestError {
    let place = Endpoint { host: "the request".to_owned(), proxy: None };
    RequestError { place, cause: Cause::Other("it cannot be built".to_owned()), was_sent: false }
}
