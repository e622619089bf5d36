//! Web addresses: JSON for programs and chat services, and the form of ntfy.

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

/// How long a connection may take to come about, and the whole call.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const WITHIN: Duration = Duration::from_secs(20);

#[derive(Clone, Copy)]
pub(super) enum Form {
    Json,
    Ntfy,
}

/// A web address that takes messages.
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

/// A client for addresses that the operator has named.
pub(in crate::alerts) fn client(egress: &Egress) -> Result<Http, reqwest::Error> {
    Http::new(egress, |client| client.connect_timeout(CONNECT_WITHIN).timeout(WITHIN))
}

/// Sends a request that has to succeed.
///
/// # Errors
/// Why it did not, without the path of the address.
pub(in crate::alerts) async fn call(http: &Http, request: RequestBuilder) -> Result<(), String> {
    let response = http.send(request).await.map_err(|trouble| trouble.to_string())?;
    let status = response.status();
    let host = response.url().host_str().unwrap_or_default();
    if status.is_success() { Ok(()) } else { Err(format!("{host} answers {status}")) }
}

/// What is sent to a webhook. The field `text` is what chat services show.
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

/// What may stand in a header.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}
