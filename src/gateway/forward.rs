//! Forwards calls to Telegram, and returns its responses.

use std::{io, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::oneshot;

use crate::{
    gateway::{
        Program, Shared,
        answer::Answer,
        local,
        methods::{Method, Shown},
        pace,
        params::{LARGEST_BYTES, Params},
        record::{is_bot_api_answer, matches_call, record},
    },
    telegram::{
        pass::{Bounded, PassError, PassedCall, chunks, read},
        upload::Incoming,
    },
};

/// How much of a form is read before it is forwarded. The parameters that name its chat come before its files.
const BEGINNING_BYTES: usize = 64 * 1024;
/// The largest response that is read. A message with the message that it replies to is much smaller.
const LARGEST_ANSWER_BYTES: usize = 4 << 20;
/// The largest error response that is read.
const LARGEST_ERROR_BYTES: usize = 64 * 1024;
/// Response headers that are returned to the program.
const RETURNED_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::RETRY_AFTER];

/// A call whose beginning was read.
struct PartialCall {
    head: Parts,
    params: Params,
    body: Incoming,
}

/// Forwards a call. What Kommo shows of it is stored, also if the program does not wait for the response.
pub(super) async fn pass(
    shared: &Arc<Shared>,
    program: &Arc<Program>,
    method: Method,
    request: Request<Body>,
) -> Result<Response, Answer> {
    let partial = read_beginning(request).await?;
    if program.is_local
        && let Some(refusal) = local::refusal(&method.name, &partial.head, &partial.body.first)
    {
        return Err(refusal);
    }
    pace::turn(program, method.pace, &partial.params).await?;
    if method.shown == Shown::Nothing {
        let (answer, _) = call(program, &method, partial).await?;
        return if answer.status().is_success() {
            Ok(proxied(answer, &RETURNED_HEADERS))
        } else {
            refused(program, answer).await
        };
    }
    if !shared.store.has_room() {
        return Err(Answer::refused(500, "Internal Server Error: the disk has no room to store the message"));
    }
    let (shared, program) = (Arc::clone(shared), Arc::clone(program));
    let (sender, receiver) = oneshot::channel();
    let life = shared.life.clone();
    life.finish(async move {
        // The program may have disconnected.
        drop(sender.send(call_and_record(&shared, &program, &method, partial).await));
    });
    receiver.await.unwrap_or_else(|_| Ok(broken()))
}

async fn call_and_record(
    shared: &Shared,
    program: &Program,
    method: &Method,
    partial: PartialCall,
) -> Result<Response, Answer> {
    let (mut answer, params) = call(program, method, partial).await?;
    let (status, headers) = (answer.status(), selected_headers(&answer, &RETURNED_HEADERS));
    match read(&mut answer, LARGEST_ANSWER_BYTES).await {
        Ok(Bounded::Complete(body)) if !status.is_success() && !is_bot_api_answer(&body) => {
            Err(foreign_response(program, status))
        }
        Ok(Bounded::Complete(body)) if !matches_call(method.shown, &params, &body) => {
            tracing::error!(
                program = program.name,
                method = method.name,
                "the response to a program's call is \
                about another chat or message than the call, so a proxy mixes responses up: Kommo does not show it"
            );
            Ok(broken())
        }
        Ok(Bounded::Complete(body)) => {
            if let Err(error) = record(shared, program, (method.shown, &params), &body).await {
                tracing::error!(%error, program = program.name, method = method.name, "cannot store what a program \
                has sent, so Kommo will not show it");
                return Ok(broken());
            }
            Ok((status, headers, body).into_response())
        }
        Ok(Bounded::Truncated(beginning)) => {
            tracing::warn!(
                program = program.name,
                method = method.name,
                "the response to a program's call is too \
                large to be read, so Kommo does not show what was sent"
            );
            let body = stream::iter([Ok(Bytes::from(beginning))]).chain(chunks(answer));
            Ok((status, headers, Body::from_stream(body)).into_response())
        }
        Err(why) => {
            tracing::warn!(program = program.name, method = method.name, %why, "the response to a program's call \
            broke off, so Kommo does not show what was sent");
            Ok(broken())
        }
    }
}

/// Returns an error of Telegram's. A response in another format comes from a proxy, and may contain its address or the
/// token, so it is not returned.
async fn refused(program: &Program, mut answer: reqwest::Response) -> Result<Response, Answer> {
    let (status, headers) = (answer.status(), selected_headers(&answer, &RETURNED_HEADERS));
    match read(&mut answer, LARGEST_ERROR_BYTES).await {
        Ok(Bounded::Complete(body)) if is_bot_api_answer(&body) => Ok((status, headers, body).into_response()),
        Ok(_) => Err(foreign_response(program, status)),
        Err(_) => Err(bad_gateway()),
    }
}

/// A connection that breaks, for a call of which nobody knows whether Telegram has executed it.
fn broken() -> Response {
    let nothing = stream::iter([Err::<Bytes, _>(io::Error::other("the result of the call is unknown"))]);
    (StatusCode::BAD_GATEWAY, Body::from_stream(nothing)).into_response()
}

/// Sends a call, and waits for the headers of the response.
async fn call(program: &Program, method: &Method, partial: PartialCall) -> Result<(reqwest::Response, Params), Answer> {
    let PartialCall { head, params, body } = partial;
    let passed = PassedCall {
        verb: head.method,
        name: &method.name,
        query: head.uri.query(),
        content_type: head.headers.get(header::CONTENT_TYPE).cloned(),
        body,
    };
    let answer = program.bot.pass(passed).await.map_err(|error| answer_to(program, error))?;
    if !is_json(&answer) {
        return Err(foreign_response(program, answer.status()));
    }
    Ok((answer, params))
}

/// Reads the beginning of a form, and any other call completely.
async fn read_beginning(request: Request<Body>) -> Result<PartialCall, Answer> {
    let (head, body) = request.into_parts();
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_form = kind.to_ascii_lowercase().starts_with("multipart/");
    let content_length = head.headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    let (mut rest, mut beginning) = (body.into_data_stream(), Vec::new());
    loop {
        if is_form && beginning.len() >= BEGINNING_BYTES {
            break;
        }
        if beginning.len() > LARGEST_BYTES {
            return Err(Answer::too_large());
        }
        match rest.next().await {
            Some(piece) => beginning.extend_from_slice(&piece.map_err(|_| cut_off())?),
            None if content_length.is_none_or(|content_length| content_length == beginning.len() as u64) => {
                let params = Params::of_beginning(head.uri.query(), kind, &beginning);
                return Ok(PartialCall { params, body: complete(beginning), head });
            }
            None => return Err(cut_off()),
        }
    }
    let params = Params::of_beginning(head.uri.query(), kind, &beginning);
    let rest: BoxStream<'static, _> = rest.map_err(|error| error.to_string()).boxed();
    Ok(PartialCall { params, body: Incoming { size_bytes: content_length, first: beginning.into(), rest }, head })
}

fn complete(body: Vec<u8>) -> Incoming {
    Incoming { size_bytes: Some(body.len() as u64), first: body.into(), rest: stream::empty().boxed() }
}

/// Reads the parameters of a call that the gateway answers itself.
pub(super) async fn params(request: Request<Body>) -> Result<Params, Answer> {
    let (head, body) = request.into_parts();
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut pieces = body.into_data_stream();
    let mut body = Vec::new();
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece.map_err(|_| cut_off())?);
        if body.len() > LARGEST_BYTES {
            return Err(Answer::too_large());
        }
    }
    Params::read(head.uri.query(), kind, &body)
}

/// Whether a response may come from the Bot API. A proxy's page may contain its address or the token.
fn is_json(answer: &reqwest::Response) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"))
}

/// A response as it came, with these headers only.
pub(super) fn proxied(answer: reqwest::Response, fields: &[HeaderName]) -> Response {
    let (status, headers) = (answer.status(), selected_headers(&answer, fields));
    (status, headers, Body::from_stream(chunks(answer))).into_response()
}

fn selected_headers(answer: &reqwest::Response, fields: &[HeaderName]) -> HeaderMap {
    let value = |name: &HeaderName| Some((name.clone(), answer.headers().get(name)?.clone()));
    fields.iter().filter_map(value).collect()
}

fn foreign_response(program: &Program, status: StatusCode) -> Answer {
    tracing::warn!(program = program.name, %status, "the response to a program's call did not come from the Bot API");
    bad_gateway()
}

pub(super) fn bad_gateway() -> Answer {
    Answer::refused(502, "Bad Gateway")
}

fn cut_off() -> Answer {
    Answer::refused(400, "Bad Request: the body is cut off")
}

/// The answer to a call without a response of Telegram's. It names no path and no address.
fn answer_to(program: &Program, error: PassError) -> Answer {
    match error {
        PassError::TooLarge => Answer::too_large(),
        PassError::CutOff => cut_off(),
        PassError::Unreachable(why) | PassError::Unanswered(why) => {
            tracing::warn!(program = program.name, why, "Telegram does not respond to a program's call");
            bad_gateway()
        }
        PassError::Late => {
            tracing::warn!(
                program = program.name,
                "a program's call timed out: Telegram has not responded, or the program has stopped sending"
            );
            Answer::refused(504, "Gateway Timeout")
        }
    }
}
