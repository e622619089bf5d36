//! The HTTP surface: `/v2/origin/custom/…`, each request signed.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use chrono::DateTime;
use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::{
        calls::{self, Call},
        fault::{self, with_fault},
        kommo::{
            Core, Endpoint, ErrorShape, Quirks, Request, Settings, WaitIn, account, attachments, chats, connection,
            history, hooks, media, messages, reactions, statuses, verify::verify, world::uuid,
        },
        record,
        serve::Line,
        traffic::Party,
    },
};

/// The largest body that is read.
const LARGEST_BODY: usize = 1 << 20;

/// What an endpoint answers: the status and the body, where `null` is none.
pub(super) type Answer = Result<(u16, Value), Refusal>;

/// An error as the Chats API tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// Not always the HTTP status.
    pub(super) code: u16,
    pub(super) kind: &'static str,
    pub(super) description: String,
}

impl Refusal {
    /// The body is not what it should be. The error type of the real answer is not documented.
    pub(super) fn bad(description: impl Into<String>) -> Self {
        Self { status: 400, code: 400, kind: "", description: description.into() }
    }

    /// No such message or chat.
    pub(super) fn unknown() -> Self {
        Self { status: 404, code: 404, kind: "", description: "NOT_FOUND".to_owned() }
    }

    /// No such channel, or it is not connected to the account.
    pub(super) fn unregistered() -> Self {
        Self { kind: "ORIGIN_NOT_REGISTERED", ..Self::unknown() }
    }

    fn forged() -> Self {
        let description = "invalid signature".to_owned();
        Self { status: 403, code: 403, kind: "ORIGIN_INVALID_SIGNATURE", description }
    }

    /// As an account with these quirks tells it.
    fn response(mut self, quirks: Quirks) -> Response {
        if self == Self::bad(self.description.as_str()) {
            (self.status, self.code) = (quirks.unfit_status, quirks.unfit_status);
        }
        let Self { status, code, kind, description } = &self;
        let body = match quirks.errors {
            ErrorShape::Older => {
                json!({ "status": 0, "error_code": code, "error_type": kind, "error_description": description })
            }
            ErrorShape::Newer => problem(*status, kind, description),
        };
        fault::json(*status, body.to_string())
    }
}

/// An error in the newer shape. Support finds the request by `trace_id`.
fn problem(status: u16, kind: &str, description: &str) -> Value {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    let title = if kind.is_empty() { reason } else { kind };
    json!({ "title": title, "status": status, "detail": description, "trace_id": uuid() })
}

/// Every path leads here: scopes are part of it.
pub(super) fn router(core: Arc<Core>) -> Router {
    Router::new().fallback(serve).with_state(core)
}

async fn serve(
    State(core): State<Arc<Core>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: axum::http::Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else { return fault::json(413, Body::empty()) };
    let place = Place::of(&core.settings, &head);
    let endpoint = place.as_ref().map(|place| place.endpoint);
    let fault = core.faults.take(|aim| aim.is_none() || *aim == endpoint);
    let says = |text: &String| {
        head.uri.path().contains(text.as_str()) || body.windows(text.len()).any(|part| part == text.as_bytes())
    };
    let fault = fault.or_else(|| core.dislikes.take(says));
    let is_faulty = fault.is_some();
    let handling = async {
        place.as_ref().map_or_else(|| fault::json(404, Body::empty()), |place| answer(&core, place, &head, &body))
    };
    let waits = core.world.read(|world| world.quirks.waits);
    let response = with_fault(fault, &line, |seconds| too_many_requests(waits, seconds), handling).await;
    media::fetch(&core);
    account::follow(&core);
    hooks::echo(&core);
    let status = response.as_ref().map(|response| response.status().as_u16());
    let (response, answered) = match response {
        Some(response) if core.traffic.keeps_calls() => {
            let (response, answered) = calls::buffered(response).await;
            (Some(response), answered)
        }
        response => (response, None),
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    let what = endpoint.map_or_else(|| "an unknown address".to_owned(), |endpoint| description(endpoint, &body));
    let (method, path) = (head.method.to_string(), head.uri.path().to_owned());
    core.record.add(|| {
        let client = record::client(&head.headers);
        json!({
            "remote": "kommo", "client": client, "method": method, "path": path, "body": body, "status": status,
            "fault": is_faulty,
        })
    });
    let call = core.traffic.keeps_calls().then(|| Call::new(&format!("{method} {path}"), &body, answered.as_deref()));
    core.world.note(|world| world.log(Request { method, path, endpoint, body, status }));
    // This wakes all who wait for a request; they find it in the log.
    core.traffic.add(core.clock.now(), (Party::Bridge, Party::Kommo), (what, status), || call);
    let mut response = response.unwrap_or_default();
    let date = HeaderValue::from_str(&date(core.clock.now())).unwrap_or(HeaderValue::from_static(""));
    response.headers_mut().insert(header::DATE, date);
    response
}

/// The time as HTTP writes it.
fn date(at: UnixMillis) -> String {
    DateTime::from_timestamp_millis(at.0).unwrap_or_default().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What an address means: the endpoint, whether the channel or scope is ours, and the id inside it.
struct Place {
    endpoint: Endpoint,
    ours: bool,
    id: String,
}

impl Place {
    fn of(settings: &Settings, head: &Parts) -> Option<Self> {
        if attachments::is_address(head.uri.path()) {
            let is_fetch = matches!(head.method, Method::GET | Method::HEAD);
            return is_fetch.then(|| Self { endpoint: Endpoint::Attachment, ours: true, id: String::new() });
        }
        let parts: Vec<&str> = head.uri.path().strip_prefix("/v2/origin/custom/")?.split('/').collect();
        let (endpoint, id) = match (&head.method, &parts[1..]) {
            (&Method::POST, []) => (Endpoint::Message, ""),
            (&Method::POST, ["connect"]) => (Endpoint::Connect, ""),
            (&Method::DELETE, ["disconnect"]) => (Endpoint::Disconnect, ""),
            (&Method::POST, ["typing"]) => (Endpoint::Typing, ""),
            (&Method::POST, ["react"]) => (Endpoint::React, ""),
            (&Method::POST, ["chats"]) => (Endpoint::CreateChat, ""),
            (&Method::POST, [message, "delivery_status"]) => (Endpoint::DeliveryStatus, *message),
            (&Method::GET, ["chats", chat, "history"]) => (Endpoint::History, *chat),
            _ => return None,
        };
        let ours = match endpoint {
            Endpoint::Connect | Endpoint::Disconnect => parts[0] == settings.channel_id,
            Endpoint::Message
            | Endpoint::DeliveryStatus
            | Endpoint::Typing
            | Endpoint::React
            | Endpoint::CreateChat
            | Endpoint::Attachment
            | Endpoint::History => parts[0] == settings.scope_id(),
        };
        Some(Self { endpoint, ours, id: id.to_owned() })
    }
}

fn answer(core: &Core, place: &Place, head: &Parts, body: &[u8]) -> Response {
    let answer = authorize(core, place, head, body).and_then(|()| handle(core, place, head, body));
    answer.unwrap_or_else(|refusal| refusal.response(core.world.read(|world| world.quirks)))
}

/// An unknown scope has no secret to check with; a scope that is not connected has. Attachments are open to everyone.
fn authorize(core: &Core, place: &Place, head: &Parts, body: &[u8]) -> Result<(), Refusal> {
    if place.endpoint == Endpoint::Attachment {
        return Ok(());
    }
    if !place.ours {
        return Err(Refusal::unregistered());
    }
    let signed = (&head.method, head.uri.path(), body);
    if !verify(&core.settings.channel_secret, signed, &head.headers, core.clock.now()) {
        return Err(Refusal::forged());
    }
    if place.endpoint != Endpoint::Connect && !core.world.read(|world| world.connection.is_some()) {
        return Err(Refusal::unregistered());
    }
    Ok(())
}

fn handle(core: &Core, place: &Place, head: &Parts, body: &[u8]) -> Result<Response, Refusal> {
    let (status, body) = match place.endpoint {
        Endpoint::Attachment => return Ok(attachments::answer(core, head)),
        Endpoint::Connect => connection::connect(core, body),
        Endpoint::Disconnect => connection::disconnect(core, body),
        Endpoint::Message => messages::post(core, body),
        Endpoint::DeliveryStatus => statuses::delivery(core, &place.id, body),
        Endpoint::Typing => statuses::typing(core, body),
        Endpoint::React => reactions::react(core, body),
        Endpoint::CreateChat => chats::create_chat(core, body),
        Endpoint::History => history::page(core, &place.id, head.uri.query().unwrap_or_default()),
    }?;
    Ok(fault::json(status, if body.is_null() { String::new() } else { body.to_string() }))
}

/// The page of HTTP codes has the wait in the body; HTTP has it in a header.
fn too_many_requests(waits: WaitIn, seconds: u32) -> Response {
    match waits {
        WaitIn::Header => {
            let mut response = fault::json(429, Body::empty());
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            response
        }
        WaitIn::Body => {
            let mut body = problem(429, "", "Too many requests, please wait");
            body["retry_after"] = json!(seconds);
            fault::json(429, body.to_string())
        }
    }
}

/// A short description of a request, for people.
fn description(endpoint: Endpoint, body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let conversation = |of: &Value| {
        let id = ["conversation_id", "conversation_ref_id"].into_iter().find_map(|field| of[field].as_str());
        id.unwrap_or("?").chars().take(80).collect::<String>()
    };
    match endpoint {
        Endpoint::Connect => "connect".to_owned(),
        Endpoint::Disconnect => "disconnect".to_owned(),
        Endpoint::Message => {
            let event = body["event_type"].as_str().unwrap_or("?").chars().take(20).collect::<String>();
            format!("{event} → {}", conversation(&body["payload"]))
        }
        Endpoint::DeliveryStatus => {
            let code = body["status_code"].as_i64().or_else(|| body["delivery_status"].as_i64());
            match code {
                Some(1) => "status: delivered".to_owned(),
                Some(2) => "status: read".to_owned(),
                Some(-1) => "status: failed".to_owned(),
                other => format!("status: {other:?}"),
            }
        }
        Endpoint::Typing => format!("typing → {}", conversation(&body)),
        Endpoint::React => {
            format!("{} → {}", if body["type"] == "react" { "react" } else { "unreact" }, conversation(&body))
        }
        Endpoint::CreateChat => format!("create chat {}", conversation(&body)),
        Endpoint::History => "history".to_owned(),
        Endpoint::Attachment => "fetch of an attachment".to_owned(),
    }
}
