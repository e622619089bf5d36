//! A page that shows both fakes side by side, with a small JSON API.
//!
//! | Request | Meaning |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /api/state` | both worlds and the traffic between them |
//! | `GET /api/calls/{n}` | the call of an exchange itself, without secrets |
//! | `GET /api/events` | a line of `text/event-stream` at each change |
//! | `POST /api/telegram/write` | a customer writes, and may answer a message |
//! | `POST /api/telegram/edit` | a customer changes a message |
//! | `POST /api/telegram/react` | a customer reacts to a message |
//! | `POST /api/telegram/send_files` | a customer sends a file or an album: a form with `about`, `caption` and `file` |
//! | `POST /api/telegram/send_piece` | a customer sends a place, a contact, a poll or a throw of dice |
//! | `POST /api/telegram/press` | a customer presses a button below a message |
//! | `POST /api/telegram/press_key` | a customer presses a button in place of their keyboard |
//! | `POST /api/telegram/block` | a customer blocks the bot, throws it out of the group or takes it from an owner; or takes that back |
//! | `POST /api/telegram/avatar` | a customer has a picture of themselves, or none |
//! | `GET /api/telegram/files/{file}` | a file as the customer sees it |
//! | `POST /api/kommo/reply` | a manager answers, with buttons, a list or a template too |
//! | `POST /api/kommo/write_first` | a manager writes to a phone number, by a source |
//! | `POST /api/kommo/send_files` | a manager sends files: a form as above |
//! | `POST /api/kommo/react` | a manager reacts to a message |
//! | `POST /api/kommo/typing` | a manager types |
//! | `POST /api/switch` | something goes wrong from now on, or once |
//! | `GET /api/kommo/files/{message}` | a message's file as Kommo has it |
//! | `GET /api/kommo/avatars/{contact}` | a contact's picture as Kommo has fetched it |

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

use crate::sandbox::{
    example_program::ExampleProgram, fault, kommo::FakeKommo, serve::Server, switches::Switches, telegram::FakeTelegram,
};

mod acts;
mod events;
mod files;
mod guard;
mod rooms;
mod state;

#[cfg(test)]
mod tests;

/// The files of the page: path, type, text.
const FILES: [(&str, &str, &str); 21] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
    ("/bubbles.css", "text/css; charset=utf-8", include_str!("page/bubbles.css")),
    ("/switches.css", "text/css; charset=utf-8", include_str!("page/switches.css")),
    ("/calls.css", "text/css; charset=utf-8", include_str!("page/calls.css")),
    ("/tools.js", SCRIPT, include_str!("page/tools.js")),
    ("/files.js", SCRIPT, include_str!("page/files.js")),
    ("/popup.js", SCRIPT, include_str!("page/popup.js")),
    ("/samples.js", SCRIPT, include_str!("page/samples.js")),
    ("/attach.js", SCRIPT, include_str!("page/attach.js")),
    ("/bubble.js", SCRIPT, include_str!("page/bubble.js")),
    ("/composer.js", SCRIPT, include_str!("page/composer.js")),
    ("/rooms.js", SCRIPT, include_str!("page/rooms.js")),
    ("/customer.js", SCRIPT, include_str!("page/customer.js")),
    ("/links.js", SCRIPT, include_str!("page/links.js")),
    ("/calls.js", SCRIPT, include_str!("page/calls.js")),
    ("/bridge.js", SCRIPT, include_str!("page/bridge.js")),
    ("/switches.js", SCRIPT, include_str!("page/switches.js")),
    ("/newchat.js", SCRIPT, include_str!("page/newchat.js")),
    ("/inbox.js", SCRIPT, include_str!("page/inbox.js")),
    ("/page.js", SCRIPT, include_str!("page/page.js")),
];
const SCRIPT: &str = "text/javascript; charset=utf-8";
/// The page may load nothing from elsewhere and may not be framed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A text of the page that is true if it listens on this machine only.
const PRIVATE: &str = "Nothing here leaves this machine.";
/// The text in its place otherwise.
const OPEN: &str = "Anyone who reaches this address can use this page.";

/// What the page has access to.
struct View {
    telegram: FakeTelegram,
    kommo: FakeKommo,
    /// Sources by id, each with its bot's token.
    sources: Vec<(String, String)>,
    switches: Arc<Switches>,
    /// The example program, if it runs.
    program: Option<ExampleProgram>,
}

impl View {
    /// The token of the bot behind a source.
    fn token(&self, source: &str) -> Result<&str, PageError> {
        let known = self.sources.iter().find(|(id, _)| id == source);
        known
            .map(|(_, token)| token.as_str())
            .ok_or_else(|| PageError::unknown(format!("There is no source {source:?}.")))
    }
}

/// An error response: a status and a sentence.
#[derive(Debug, PartialEq, Eq)]
struct PageError {
    status: StatusCode,
    sentence: String,
}

impl PageError {
    fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }

    fn bad(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, sentence)
    }

    fn unknown(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, sentence)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        fault::json(self.status.as_u16(), json!({ "error": self.sentence }).to_string())
    }
}

/// A running page. Stops when it is dropped.
pub struct Page {
    server: Server,
}

impl Page {
    /// Serves a page for both fakes at `listen`. `sources` are the ids of the sources with their bots' tokens.
    pub(super) fn start(
        listen: SocketAddr,
        (telegram, kommo): (FakeTelegram, FakeKommo),
        sources: Vec<(String, String)>,
        switches: Arc<Switches>,
        program: Option<ExampleProgram>,
    ) -> io::Result<Self> {
        telegram.traffic().keep_calls();
        kommo.traffic().keep_calls();
        let view = Arc::new(View { telegram, kommo, sources, switches, program });
        let is_private = listen.ip().is_loopback();
        let pages = FILES.into_iter().fold(Router::new(), |router, (path, kind, text)| {
            let text = if is_private { text.to_owned() } else { text.replace(PRIVATE, OPEN) };
            router.route(path, get(async move || file(kind, text.clone())))
        });
        let router = pages
            .route("/api/state", get(current))
            .route("/api/calls/{n}", get(called))
            .route("/api/events", get(events::stream))
            .merge(acts::router())
            .fallback(async || PageError::unknown("There is no such address here."))
            .layer(from_fn_with_state(listen.ip(), guard::guard))
            .with_state(view);
        Ok(Self { server: Server::start(listen, router)? })
    }

    pub fn addr(&self) -> SocketAddr {
        self.server.address()
    }

    /// Stops, and waits until nothing of it runs any more.
    pub async fn stop(&self) {
        self.server.stop().await;
    }
}

fn file(kind: &'static str, text: String) -> Response {
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store")];
    (headers, text).into_response()
}

async fn current(State(view): State<Arc<View>>) -> Response {
    let mut response = fault::json(200, state::state(&view).to_string());
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// The call of an exchange.
async fn called(State(view): State<Arc<View>>, Path(n): Path<u64>) -> Result<Response, PageError> {
    let call = view.telegram.traffic().call(n).or_else(|| view.kommo.traffic().call(n));
    let call = call.ok_or_else(|| PageError::unknown("This call is not kept any more."))?;
    Ok(fault::json(200, json!(call).to_string()))
}
