//! The HTTP surface: `/api/v4/…`, each request with the token.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, State},
    http::{Method, header, request::Parts},
    response::Response,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::sandbox::{
    calls::{self, Call},
    fault::{self, with_fault},
    kommo::{
        Core, EmptyLists,
        account::{
            RestRequest, Subject, contacts, events,
            fields::{self, FieldOf},
            gate, leads,
            problem::{Answer, Problem, page},
            records::{ACCOUNT, Records},
            sources, templates,
        },
        world::World,
    },
    serve::Line,
    traffic::Party,
};

/// The largest body that is read.
const LARGEST_BODY: usize = 1 << 20;

/// The router of the account's own host.
pub(in crate::sandbox::kommo) fn router(core: Arc<Core>) -> Router {
    Router::new().fallback(serve).with_state(core)
}

/// What a request asks for.
struct Asked {
    method: Method,
    parts: Vec<String>,
    query: Vec<(String, String)>,
    body: Value,
}

async fn serve(
    State(core): State<Arc<Core>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: axum::http::Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else { return fault::json(413, Body::empty()) };
    let asked = Asked::read(&head, &body);
    let subject = subject(&asked.parts);
    let fault = core.rest.faults.take(|aim| aim.is_none() || *aim == subject);
    let handling = async { answer(&core, &head, subject, &asked) };
    let response = with_fault(fault, &line, too_many_requests, handling).await;
    let status = response.as_ref().map(|response| response.status().as_u16());
    let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let (method, body) = (head.method.to_string(), String::from_utf8_lossy(&body).into_owned());
    let (response, answered) = match response {
        Some(response) if core.traffic.keeps_calls() => {
            let (response, answered) = calls::buffered(response).await;
            (Some(response), answered)
        }
        response => (response, None),
    };
    let what = format!("{method} {path}");
    let call = || Some(Call::new(&what, &body, answered.as_deref()));
    core.traffic.add(core.clock.now(), (Party::Bridge, Party::Kommo), (what.clone(), status), call);
    core.rest.with(|records| records.requests.push(RestRequest { method, path, subject, body, status }));
    core.world.bump();
    response.unwrap_or_default()
}

impl Asked {
    fn read(head: &Parts, body: &[u8]) -> Self {
        let path = head.uri.path().strip_prefix("/api/v4/").unwrap_or_default();
        let url = reqwest::Url::parse(&format!("http://account/?{}", head.uri.query().unwrap_or_default()));
        let pairs = url.map(|url| url.query_pairs().into_owned().collect());
        Self {
            method: head.method.clone(),
            parts: path.split('/').map(str::to_owned).collect(),
            query: pairs.unwrap_or_default(),
            body: serde_json::from_slice(body).unwrap_or_default(),
        }
    }
}

fn subject(parts: &[String]) -> Option<Subject> {
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["account"] => Some(Subject::Account),
        ["users"] => Some(Subject::Users),
        ["events"] => Some(Subject::Events),
        ["sources"] | ["sources", _] => Some(Subject::Sources),
        ["contacts", "chats"] => Some(Subject::ContactChats),
        ["contacts", _, "notes"] => Some(Subject::ContactNotes),
        ["contacts", "custom_fields"] => Some(Subject::ContactFields),
        ["contacts"] | ["contacts", _] => Some(Subject::Contacts),
        ["leads", "custom_fields"] => Some(Subject::LeadFields),
        ["leads"] | ["leads", _] => Some(Subject::Leads),
        ["chats", "templates"] | ["chats", "templates", _] => Some(Subject::Templates),
        _ => None,
    }
}

/// The world is locked before the records, here as everywhere.
fn answer(core: &Core, head: &Parts, subject: Option<Subject>, asked: &Asked) -> Response {
    let now = core.clock.now();
    let outcome = core.world.read(|world| {
        core.rest.with(|records| {
            records.gate.admit(Instant::now())?;
            gate::authorize(records, &head.headers, subject, now)?;
            records.follow(&world.chats, core.clock.now());
            let has_json = head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
            if !asked.body.is_null() && !has_json {
                return Err(Problem::Plain(415));
            }
            let answer = handle(records, world, subject.ok_or(Problem::Plain(404))?, asked)?;
            Ok(empty_list(world, asked).filter(|_| answer == (204, Value::Null)).unwrap_or(answer))
        })
    });
    match outcome {
        Ok((status, Value::Null)) => fault::json(status, Body::empty()),
        Ok((status, body)) => fault::json(status, body.to_string()),
        Err(problem) => problem.response(),
    }
}

/// How an empty list is told that is told as one; `None` for what is asked as no list.
fn empty_list(world: &World, asked: &Asked) -> Option<(u16, Value)> {
    let parts: Vec<_> = asked.parts.iter().map(String::as_str).collect();
    let name = match parts.as_slice() {
        [name @ ("users" | "sources" | "contacts" | "leads" | "events")] => *name,
        ["contacts", "chats"] => "chats",
        [_, "custom_fields"] => "custom_fields",
        ["chats", "templates"] => "chat_templates",
        _ => return None,
    };
    let is_told = asked.method == Method::GET && world.quirks.empty_lists == EmptyLists::Listed;
    is_told.then(|| (200, json!({ "_total_items": 0, "_embedded": { name: [] } })))
}

fn handle(records: &mut Records, world: &World, subject: Subject, asked: &Asked) -> Answer {
    let Asked { method, parts, query, body } = asked;
    // What is no number names nothing.
    let id = parts.last().and_then(|part| part.parse().ok());
    match (subject, method, id) {
        (Subject::Account, &Method::GET, _) => Ok((200, account(records, query))),
        (Subject::Users, &Method::GET, _) => page("users", &users(world, query), query, 250),
        (Subject::Events, &Method::GET, _) => events::all(records, world, query),
        (Subject::Sources, &Method::GET, None) => Ok(sources::all(records, query)),
        (Subject::Sources, &Method::GET, Some(id)) => Ok(sources::one(records, id)),
        (Subject::Sources, &Method::POST, None) => sources::create(records, body),
        (Subject::Sources, &Method::PATCH, None) => sources::update_many(records, body),
        (Subject::Sources, &Method::PATCH, Some(id)) => sources::update(records, id, body),
        (Subject::Sources, &Method::DELETE, None) => sources::delete_many(records, body),
        (Subject::Sources, &Method::DELETE, Some(id)) => sources::delete(records, id),
        (Subject::Contacts, &Method::GET, None) => contacts::search(records, query),
        (Subject::Contacts, &Method::GET, Some(id)) => Ok(contacts::one(records, id, query)),
        (Subject::Contacts, &Method::PATCH, Some(id)) => contacts::patch(records, id, body),
        (Subject::ContactChats, &Method::GET, _) => contacts::chats(records, query),
        (Subject::ContactChats, &Method::POST, _) => contacts::link(records, world, body),
        (Subject::ContactNotes, &Method::POST, _) => contacts::note(records, parts.get(1), body),
        (Subject::ContactFields, &Method::GET, _) => fields::custom_fields(FieldOf::Contacts, query),
        (Subject::LeadFields, &Method::GET, _) => fields::custom_fields(FieldOf::Leads, query),
        (Subject::Leads, &Method::GET, None) => leads::all(records, query),
        (Subject::Leads, &Method::GET, Some(id)) => Ok(leads::one(records, id, query)),
        (Subject::Leads, &Method::PATCH, Some(id)) => leads::patch(records, id, body),
        (Subject::Templates, &Method::GET, None) => templates::all(records, query),
        (Subject::Templates, &Method::POST, None) => templates::create(records, body),
        (Subject::Templates, &Method::PATCH, Some(id)) => templates::update(records, id, body),
        (Subject::Templates, &Method::DELETE, Some(id)) => templates::delete(records, id),
        _ => Err(Problem::Plain(405)),
    }
}

fn asks_for(query: &[(String, String)], name: &str) -> bool {
    query.iter().any(|(key, value)| key == "with" && value.split(',').any(|word| word == name))
}

fn account(records: &Records, query: &[(String, String)]) -> Value {
    let mut account = json!({ "id": ACCOUNT, "name": "Acme", "subdomain": "example", "country": "US",
        "current_user_id": 6_106_525, "is_unsorted_on": true });
    if let Some(language) = &records.language {
        account["language"] = language.clone().into();
    }
    if asks_for(query, "amojo_id") {
        account["amojo_id"] = records.amojo_id.clone().into();
    }
    account
}

/// Everybody who has written; their ids in the Chats API only if asked for.
fn users(world: &World, query: &[(String, String)]) -> Vec<Value> {
    let user = |(index, (name, amojo_id)): (usize, (&String, &String))| {
        let amojo_id = asks_for(query, "amojo_id").then_some(amojo_id);
        json!({ "id": 6_106_525 + index, "name": name, "email": format!("user{index}@example.com"), "amojo_id": amojo_id })
    };
    world.managers().enumerate().map(user).collect()
}

/// The wait stands in the body ("Error codes"); where HTTP puts it, nothing is documented.
fn too_many_requests(seconds: u32) -> Response {
    let body = json!({ "title": "Too Many Requests", "status": 429, "retry_after": seconds });
    fault::json(429, body.to_string())
}
