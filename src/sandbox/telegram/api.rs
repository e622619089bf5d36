//! The HTTP surface: `/bot<token>/<method>`.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, DefaultBodyLimit, State},
    http::{HeaderMap, Method, Request, header, request::Parts},
    response::Response,
};
use serde_json::{Value, json};

use crate::sandbox::{
    calls::{self, Call, redacted_token},
    fault::{self, with_fault},
    record,
    serve::Line,
    telegram::{
        Core,
        arguments::Arguments,
        files,
        methods::{self, Answer, Refusal},
        uploads,
    },
    traffic::Party,
};

/// The largest body that is read, of requests without files (server source).
const LARGEST_BODY: usize = 1 << 20;

/// Every path leads here: the token is part of it.
pub(super) fn router(core: Arc<Core>) -> Router {
    Router::new().fallback(serve).layer(DefaultBodyLimit::disable()).with_state(core)
}

async fn serve(
    State(core): State<Arc<Core>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    if let Some((token, path)) = files::address(head.uri.path()) {
        return download(&core, &token, &path, &head.headers);
    }
    let Some((token, method)) = address(head.uri.path()) else { return refused(&Refusal::new(404, "Not Found")) };
    if head.method != Method::GET && head.method != Method::POST {
        return refused(&Refusal::new(405, "Method Not Allowed"));
    }
    let arguments = match read(&core, &head, body).await {
        Ok(arguments) => arguments,
        Err(refusal) => {
            core.world.note(|world| world.log(&token, &method, Value::Null, Some(refusal.code)));
            let body = refusal.body();
            let call = || Some(called(&token, &method, &Value::Null, Some(&body.to_string())));
            asked(&core, &method, &Arguments::default(), Some(refusal.code), call);
            let outcome = (Some(refusal.code), false, Some(body));
            write_down(&core, &head.headers, (&token, &method), &Value::Null, outcome);
            return refused(&refusal);
        }
    };
    let fault = core.faults.take(|target| target.matches(&token, &method));
    let is_faulty = fault.is_some();
    let mut response_body = None;
    let handling = async {
        let answer = methods::call(&core, &token, &method, &arguments).await;
        given(&core, (&token, &method), &arguments.shown, &answer);
        let (status, body) = answer.map_or_else(
            |refusal| (refusal.code, refusal.body()),
            |result| (200, json!({ "ok": true, "result": result })),
        );
        let response = fault::json(status, body.to_string());
        response_body = Some(body);
        response
    };
    let response = with_fault(fault, &line, too_many_requests, handling).await;
    let status = response.as_ref().map(|response| response.status().as_u16());
    core.world.note(|world| world.log(&token, &method, arguments.shown.clone(), status));
    let (response, answered) = match response {
        Some(response) if core.traffic.keeps_calls() => {
            let (response, answered) = calls::buffered(response).await;
            (Some(response), answered)
        }
        response => (response, None),
    };
    let call = || Some(called(&token, &method, &arguments.shown, answered.as_deref()));
    asked(&core, &method, &arguments, status, call);
    write_down(&core, &head.headers, (&token, &method), &arguments.shown, (status, is_faulty, response_body));
    response.unwrap_or_default()
}

/// Reads the arguments, wherever they are.
async fn read(core: &Core, head: &Parts, body: Body) -> Result<Arguments, Refusal> {
    let content_type = content_type(&head.headers);
    if content_type.to_ascii_lowercase().starts_with("multipart/form-data") {
        let largest = core.world.read(|world| world.hosting.largest_upload());
        let form = uploads::read(Request::from_parts(head.clone(), body), largest).await?;
        return Ok(Arguments::of_form(head.uri.query(), form));
    }
    let body = to_bytes(body, LARGEST_BODY).await;
    let body = body.map_err(|_| Refusal::new(413, "Request Entity Too Large: too many parameters"))?;
    Arguments::parse(head.uri.query(), content_type, &body).map_err(|why| Refusal::new(400, why))
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn download(core: &Core, token: &str, path: &str, headers: &HeaderMap) -> Response {
    let answer = core.world.read(|world| files::download(world, token, path, headers));
    let response = answer.unwrap_or_else(|refusal| refused(&refusal));
    let status = Some(response.status().as_u16());
    core.world.note(|world| world.log(token, "file", json!({ "path": path }), status));
    core.traffic.add(
        core.clock.now(),
        (Party::Bridge, Party::Telegram),
        (format!("file {}", short(path)), status),
        || None,
    );
    response
}

/// The token and the method, in lower case, that a path names. A token without a colon is no token.
fn address(path: &str) -> Option<(String, String)> {
    let (token, method) = path.strip_prefix("/bot")?.split_once('/')?;
    let token = token.replace("%3A", ":");
    (token.contains(':') && !method.is_empty()).then(|| (token, method.to_ascii_lowercase()))
}

impl Refusal {
    fn body(&self) -> Value {
        let mut body = json!({ "ok": false, "error_code": self.code, "description": self.description });
        if let Some(id) = self.migrate_to {
            body["parameters"] = json!({ "migrate_to_chat_id": id });
        }
        body
    }
}

fn refused(refusal: &Refusal) -> Response {
    fault::json(refusal.code, refusal.body().to_string())
}

/// Keeps an exchange for the judges: what was asked, and the status, whether that is a fault's, and the body.
fn write_down(
    core: &Core,
    headers: &HeaderMap,
    (token, method): (&str, &str),
    args: &Value,
    (status, fault, answer): (Option<u16>, bool, Option<Value>),
) {
    core.record.add(|| {
        let bot = token.split(':').next();
        let updates = answer.as_ref().filter(|_| method == "getupdates").and_then(|answer| answer["result"].as_array());
        let by_hand = updates.into_iter().flatten().enumerate().filter(|(_, it)| core.record.is_by_hand(it));
        let by_hand: Vec<_> = by_hand.map(|(index, _)| index).collect();
        json!({
            "remote": "telegram", "client": record::client(headers), "bot": bot, "method": method,
            "form": content_type(headers), "args": args,
            "status": status, "fault": fault, "answer": answer, "by_hand": by_hand,
        })
    });
}

fn too_many_requests(seconds: u32) -> Response {
    let description = format!("Too Many Requests: retry after {seconds}");
    let body = json!({
        "ok": false, "error_code": 429, "description": description, "parameters": { "retry_after": seconds }
    });
    let mut response = fault::json(429, body.to_string());
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// The call itself.
fn called(token: &str, method: &str, args: &Value, answered: Option<&str>) -> Call {
    let asked = if args.is_null() { String::new() } else { args.to_string() };
    Call::new(&format!("POST /bot{}/{}", redacted_token(token), spelled(method)), &asked, answered)
}

/// Updates on their way to the bridge. A poll that finds nothing is not traffic.
fn given(core: &Core, (token, method): (&str, &str), args: &Value, answer: &Answer) {
    if let ("getupdates", Ok(Value::Array(updates))) = (method, answer)
        && !updates.is_empty()
    {
        let what = match updates.len() {
            1 => "1 update".to_owned(),
            many => format!("{many} updates"),
        };
        let answered = || Value::Array(updates.clone()).to_string();
        let call = || Some(called(token, method, args, Some(&answered())));
        core.traffic.add(core.clock.now(), (Party::Telegram, Party::Bridge), (what, Some(200)), call);
    }
}

/// A method call, or a poll that failed.
fn asked(core: &Core, method: &str, arguments: &Arguments, status: Option<u16>, call: impl FnOnce() -> Option<Call>) {
    if method == "getupdates" && status == Some(200) {
        return;
    }
    let what = match arguments.text("chat_id") {
        Some(chat) => format!("{} → chat {}", spelled(method), short(chat)),
        None => spelled(method),
    };
    core.traffic.add(core.clock.now(), (Party::Bridge, Party::Telegram), (what, status), call);
}

/// A method as the documentation spells it. Others are shown as they came, shortened: they are the client's words.
fn spelled(method: &str) -> String {
    methods::spelled(method).map_or_else(|| short(method), str::to_owned)
}

fn short(text: &str) -> String {
    text.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_token_and_method() {
        for (path, found) in [
            ("/bot1:a/getMe", Some(("1:a", "getme"))),
            ("/bot1%3Aa/GetMe", Some(("1:a", "getme"))),
            ("/bot1a/getMe", None),
            ("/bot1:a/", None),
            ("/bot1:a", None),
            ("/", None),
        ] {
            let address = address(path);
            assert_eq!(address.as_ref().map(|(token, method)| (token.as_str(), method.as_str())), found, "{path}");
        }
    }
}
