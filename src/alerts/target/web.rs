//! HTTP targets: JSON for programs and chat services, and ntfy.

use std::time::Duration;

use futures_util::{FutureExt as _, future::BoxFuture};
use reqwest::{
    RequestBuilder,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde::Serialize;

use crate::{
    alerts::{
        alert_message::{AlertMessage, ReportedEvent, Urgency},
        target::Target,
    },
    config::{SecretUrl, WebTarget},
    net::{Egress, Http},
};

/// Time limits of the connection, and of the whole request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Clone, Copy)]
pub(super) enum Form {
    Json,
    Ntfy,
}

/// A URL that takes messages.
pub(super) struct Web {
    http: Http,
    url: SecretUrl,
    authorization: Option<HeaderValue>,
    form: Form,
}

impl Web {
    pub(super) fn new(egress: &Egress, target: &WebTarget, form: Form) -> anyhow::Result<Self> {
        let authorization = target.token.as_ref().map(|token| {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))?;
            value.set_sensitive(true);
            anyhow::Ok(value)
        });
        Ok(Self { http: client(egress)?, url: target.url.clone(), authorization: authorization.transpose()?, form })
    }

    fn request(&self, alert: &AlertMessage) -> RequestBuilder {
        let request = self.http.post(self.url.expose().clone());
        let request = match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        };
        match self.form {
            Form::Json => request.header(CONTENT_TYPE, "application/json").body(json(alert)),
            Form::Ntfy => {
                let (priority, tags) = match alert.urgency {
                    Urgency::High => ("high", "warning"),
                    Urgency::Normal => ("default", "warning"),
                    Urgency::Quiet => ("low", "information_source"),
                };
                let request = request.header("Title", ascii(&alert.title));
                request.header("Priority", priority).header("Tags", tags).body(alert.text.clone())
            }
        }
    }
}

impl Target for Web {
    fn send<'a>(&'a self, alert: &'a AlertMessage) -> BoxFuture<'a, Result<(), String>> {
        call(&self.http, self.request(alert)).boxed()
    }
}

/// A client for URLs of the operator.
pub(in crate::alerts) fn client(egress: &Egress) -> Result<Http, reqwest::Error> {
    Http::new(egress, |client| client.connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT))
}

/// Sends a request that has to succeed.
///
/// # Errors
/// Why it failed, without the path of the URL.
pub(in crate::alerts) async fn call(http: &Http, request: RequestBuilder) -> Result<(), String> {
    let response = http.send(request).await.map_err(|error| error.to_string())?;
    let status = response.status();
    let host = response.url().host_str().unwrap_or_default();
    if status.is_success() { Ok(()) } else { Err(format!("{host} answers {status}")) }
}

/// The body for a webhook. Chat services show the field `text`.
#[derive(Serialize)]
struct Body<'a> {
    title: &'a str,
    text: String,
    events: &'a [ReportedEvent],
}

fn json(alert: &AlertMessage) -> Vec<u8> {
    let text = format!("{}\n\n{}", alert.title, alert.text);
    let body = Body { title: &alert.title, text, events: &alert.events };
    serde_json::to_vec(&body).expect("our own messages have string keys only")
}

/// A text that is valid in a header.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}
