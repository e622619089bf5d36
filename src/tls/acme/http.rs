//! The HTTP client for the authority: through the proxy of the environment, with the trusted certificates of this
//! machine.

use std::{future::Future, pin::Pin, time::Duration};

use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use reqwest::Url;

use crate::net::{Egress, Http};

/// Time limit of one request.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct Client(Http);

impl Client {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let http = Http::new(&Egress::default(), |client| client.connect_timeout(TIMEOUT / 2).timeout(TIMEOUT))?;
        Ok(Self(http))
    }
}

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let http = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let url = Url::parse(&head.uri.to_string()).map_err(|error| Error::Other(Box::new(error)))?;
            let body = match body.collect().await {
                Ok(body) => body.to_bytes(),
                Err(never) => match never {},
            };
            let request = http.request(head.method, url).headers(head.headers).body(body);
            let response = http.send(request).await.map_err(|error| Error::Other(error.to_string().into()))?;
            Ok(BytesResponse::from(Response::from(response)))
        })
    }
}
