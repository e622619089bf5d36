//! The routes: `/bot{SECRET}/METHOD`, and `/file/bot{SECRET}/PATH`.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::Method,
    response::{IntoResponse, Response},
};

use crate::{
    gateway::{
        Program, Shared,
        answer::Answer,
        files, forward,
        methods::{self, Way},
        ours,
    },
    serve::Peer,
};

/// How long a client has to wait that has tried too many secrets.
const WAIT_SECONDS: u64 = 60;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

/// The target of a path.
#[derive(Debug, PartialEq, Eq)]
enum Target<'p> {
    Method { secret: String, name: &'p str },
    File { secret: String, path: &'p str },
}

impl<'p> Target<'p> {
    fn of(path: &'p str) -> Option<Self> {
        if let Some((secret, path)) = path.strip_prefix("/file/bot").and_then(|rest| rest.split_once('/')) {
            return Some(Self::File { secret: decode_colon(secret), path });
        }
        let (secret, name) = path.strip_prefix("/bot")?.split_once('/')?;
        Some(Self::Method { secret: decode_colon(secret), name })
    }

    fn secret(&self) -> &str {
        match self {
            Self::Method { secret, .. } | Self::File { secret, .. } => secret,
        }
    }
}

/// Some clients percent-encode the colon of a token.
fn decode_colon(secret: &str) -> String {
    secret.replace("%3A", ":").replace("%3a", ":")
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let path = request.uri().path().to_owned();
    let Some(target) = Target::of(&path) else { return Answer::not_found().into_response() };
    let Some(program) = shared.secrets.program(target.secret()) else {
        let is_too_many = shared.refusals.is_one_too_many(client(&shared, &request));
        return if is_too_many { Answer::too_many(WAIT_SECONDS) } else { Answer::unauthorized() }.into_response();
    };
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Answer::refused(405, "Method Not Allowed").into_response();
    }
    match target {
        Target::File { path, .. } => files::open(&program, path, request.headers()).await,
        Target::Method { name, .. } => call(shared, program, name, request).await,
    }
}

async fn call(shared: Arc<Shared>, program: Arc<Program>, name: &str, request: Request<Body>) -> Response {
    let Some(method) = methods::of(name) else { return Answer::no_such_method().into_response() };
    match method.way {
        Way::Refused => methods::refusal(&method).into_response(),
        Way::Ours => ours::answer(&shared, &program, &method.name, request).await,
        Way::Passed => pass(&shared, &program, method, request).await,
    }
}

/// Makes a call from the response of a webhook. Only methods that Telegram answers are allowed there.
pub(super) async fn passed(
    shared: &Arc<Shared>,
    program: &Arc<Program>,
    method: methods::Method,
    request: Request<Body>,
) -> Response {
    match method.way {
        Way::Passed => pass(shared, program, method, request).await,
        Way::Refused | Way::Ours => Answer::no_such_method().into_response(),
    }
}

async fn pass(
    shared: &Arc<Shared>,
    program: &Arc<Program>,
    method: methods::Method,
    request: Request<Body>,
) -> Response {
    let permits = if method.is_answer() { &program.answer_permits } else { &program.call_permits };
    let Ok(_permit) = permits.try_acquire() else { return Answer::too_many(1).into_response() };
    forward::pass(shared, program, method, request).await.unwrap_or_else(IntoResponse::into_response)
}

/// The address of the client; unspecified if the request has no connection.
fn client(shared: &Shared, request: &Request<Body>) -> IpAddr {
    let peer = request.extensions().get::<Peer>();
    peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| shared.proxies.client(*peer, request.headers()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_secret_and_a_target() {
        let method = |secret: &str, name| Some(Target::Method { secret: secret.to_owned(), name });
        let file = |secret: &str, path| Some(Target::File { secret: secret.to_owned(), path });
        for (path, want) in [
            ("/bot1:a/getMe", method("1:a", "getMe")),
            ("/bot1%3Aa/getMe", method("1:a", "getMe")),
            ("/bot1%3aa/a/b", method("1:a", "a/b")),
            ("/bot1:a/", method("1:a", "")),
            ("/bot1:a", None),
            ("/file/bot1%3Aa/photos/file_1.jpg", file("1:a", "photos/file_1.jpg")),
            ("/file/bot1:a", None),
            ("/", None),
            ("/robots.txt", None),
        ] {
            assert_eq!(Target::of(path), want, "{path}");
        }
    }
}
