//! Passes calls on to Telegram, and Telegram's answers back.

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
        record::{has_shape, is_to, record},
    },
    telegram::{
        pass::{Bounded, PassError, PassedCall, pieces, read},
        upload::Incoming,
    },
};

/// How much of a form is read before it is passed on. What tells where it goes stands before its files.
const BEGINNING_BYTES: usize = 64 * 1024;
/// The largest answer that is read. A message with all that it answers is far below.
const LARGEST_ANSWER_BYTES: usize = 4 << 20;
/// The same of an error.
const LARGEST_ERROR_BYTES: usize = 64 * 1024;
/// What of an answer's head goes back.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::RETRY_AFTER];

/// A call of which the beginning was read.
struct Begun {
    head: Parts,
    params: Params,
    body: Incoming,
}

/// Passes a call on. What is shown in Kommo is stored, also if the program does not wait for its answer.
pub(super) async fn pass(
    shared: &Arc<Shared>,
    program: &Arc<Program>,
    method: Method,
    request: Request<Body>,
) -> Result<Response, Answer> {
    let begun = begin(request).await?;
    if program.is_local
        && let Some(refusal) = local::refusal(&method.name, &begun.head, &begun.body.first)
    {
        return Err(refusal);
    }
    pace::turn(program, method.pace, &begun.params).await?;
    if method.shown == Shown::Nothing {
        let (answer, _) = call(program, &method, begun).await?;
        return if answer.status().is_success() { Ok(back(answer, &KEPT)) } else { refused(program, answer).await };
    }
    if !shared.store.has_room() {
        return Err(Answer::refused(500, "Internal Server Error: there is no room to store what is sent"));
    }
    let (shared, program) = (Arc::clone(shared), Arc::clone(program));
    let (tell, told) = oneshot::channel();
    let life = shared.life.clone();
    life.finish(async move {
        // The program may have gone.
        drop(tell.send(call_and_record(&shared, &program, &method, begun).await));
    });
    told.await.unwrap_or_else(|_| Ok(broken()))
}

async fn call_and_record(
    shared: &Shared,
    program: &Program,
    method: &Method,
    begun: Begun,
) -> Result<Response, Answer> {
    let (mut answer, params) = call(program, method, begun).await?;
    let (status, headers) = (answer.status(), kept(&answer, &KEPT));
    match read(&mut answer, LARGEST_ANSWER_BYTES).await {
        Ok(Bounded::Whole(body)) if !status.is_success() && !has_shape(&body) => Err(foreign(program, status)),
        Ok(Bounded::Whole(body)) if !is_to(method.shown, &params, &body) => {
            tracing::error!(
                program = program.name,
                method = method.name,
                "the answer to a program is about another chat \
                or message than its call, so something in between mixes answers up: nothing of it is shown in Kommo"
            );
            Ok(broken())
        }
        Ok(Bounded::Whole(body)) => {
            if let Err(error) = record(shared, program, (method.shown, &params), &body).await {
                tracing::error!(%error, program = program.name, method = method.name, "what a program has sent could \
                    not be stored, so Kommo will not show it");
                return Ok(broken());
            }
            Ok((status, headers, body).into_response())
        }
        Ok(Bounded::Long(beginning)) => {
            tracing::warn!(
                program = program.name,
                method = method.name,
                "an answer to a program is too large to be \
                read: what was sent is not shown in Kommo"
            );
            let all = stream::iter([Ok(Bytes::from(beginning))]).chain(pieces(answer));
            Ok((status, headers, Body::from_stream(all)).into_response())
        }
        Err(why) => {
            tracing::warn!(program = program.name, method = method.name, %why, "Telegram's answer to a program broke \
                off: what was sent is not shown in Kommo");
            Ok(broken())
        }
    }
}

/// An error of Telegram's. One in another shape is of something in between, and may name where it is, and the token.
async fn refused(program: &Program, mut answer: reqwest::Response) -> Result<Response, Answer> {
    let (status, headers) = (answer.status(), kept(&answer, &KEPT));
    match read(&mut answer, LARGEST_ERROR_BYTES).await {
        Ok(Bounded::Whole(body)) if has_shape(&body) => Ok((status, headers, body).into_response()),
        Ok(_) => Err(foreign(program, status)),
        Err(_) => Err(bad_gateway()),
    }
}

/// What a program gets of whom it is not known whether the call has come about: a connection that breaks.
fn broken() -> Response {
    let nothing = stream::iter([Err::<Bytes, _>(io::Error::other("the answer is not known"))]);
    (StatusCode::BAD_GATEWAY, Body::from_stream(nothing)).into_response()
}

/// Telegram's answer, of which the head is there.
async fn call(program: &Program, method: &Method, begun: Begun) -> Result<(reqwest::Response, Params), Answer> {
    let Begun { head, params, body } = begun;
    let passed = PassedCall {
        verb: head.method,
        name: &method.name,
        query: head.uri.query(),
        content_type: head.headers.get(header::CONTENT_TYPE).cloned(),
        body,
    };
    let answer = program.bot.pass(passed).await.map_err(|error| failed(program, error))?;
    if !is_telegrams(&answer) {
        return Err(foreign(program, answer.status()));
    }
    Ok((answer, params))
}

/// Reads the beginning of a call: all of it, unless it is a form with files.
async fn begin(request: Request<Body>) -> Result<Begun, Answer> {
    let (head, body) = request.into_parts();
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_form = kind.to_ascii_lowercase().starts_with("multipart/");
    let told = head.headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
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
            None if told.is_none_or(|told| told == beginning.len() as u64) => {
                let params = Params::of_beginning(head.uri.query(), kind, &beginning);
                return Ok(Begun { params, body: whole(beginning), head });
            }
            None => return Err(cut_off()),
        }
    }
    let params = Params::of_beginning(head.uri.query(), kind, &beginning);
    let rest: BoxStream<'static, _> = rest.map_err(|error| error.to_string()).boxed();
    Ok(Begun { params, body: Incoming { size_bytes: told, first: beginning.into(), rest }, head })
}

fn whole(body: Vec<u8>) -> Incoming {
    Incoming { size_bytes: Some(body.len() as u64), first: body.into(), rest: stream::empty().boxed() }
}

/// Reads all of a call that is answered here.
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

/// Only the Bot API's own shape is passed back: the page of something in between may name where it is, and the token.
fn is_telegrams(answer: &reqwest::Response) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"))
}

/// An answer as it came, with those fields of its head.
pub(super) fn back(answer: reqwest::Response, fields: &[HeaderName]) -> Response {
    let (status, headers) = (answer.status(), kept(&answer, fields));
    (status, headers, Body::from_stream(pieces(answer))).into_response()
}

fn kept(answer: &reqwest::Response, fields: &[HeaderName]) -> HeaderMap {
    let value = |name: &HeaderName| Some((name.clone(), answer.headers().get(name)?.clone()));
    fields.iter().filter_map(value).collect()
}

fn foreign(program: &Program, status: StatusCode) -> Answer {
    tracing::warn!(program = program.name, %status, "what answers a call of a program's is not the Bot API");
    bad_gateway()
}

pub(super) fn bad_gateway() -> Answer {
    Answer::refused(502, "Bad Gateway")
}

fn cut_off() -> Answer {
    Answer::refused(400, "Bad Request: the body is cut off")
}

/// What a program hears where Telegram has not answered: no place and no address.
fn failed(program: &Program, error: PassError) -> Answer {
    match error {
        PassError::TooLarge => Answer::too_large(),
        PassError::CutOff => cut_off(),
        PassError::Unreachable(why) | PassError::Unanswered(why) => {
            tracing::warn!(program = program.name, why, "Telegram does not answer a call of a program's");
            bad_gateway()
        }
        PassError::Late => {
            tracing::warn!(
                program = program.name,
                "a call of a program's stood still: Telegram has not answered, or the program has not sent on"
            );
            Answer::refused(504, "Gateway Timeout")
        }
    }
}
