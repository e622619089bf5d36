//! Those who get alerts: a web address and a mail server.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::any,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{hush::assert_hushed, support::eventually};

/// One request that came.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// A web address that takes alerts.
#[derive(Clone)]
pub(crate) struct Inbox {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<(StatusCode, Vec<Call>)>>,
}

impl Inbox {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inbox = Self { address, state: Arc::new(Mutex::new((StatusCode::OK, Vec::new()))) };
        let router = Router::new().fallback(any(take)).with_state(inbox.clone());
        spawn(async move { axum::serve(listener, router).await.unwrap() });
        inbox
    }

    /// Answers like this from now on.
    pub(super) fn answer(&self, status: u16) {
        self.state.lock().unwrap().0 = StatusCode::from_u16(status).unwrap();
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().1.clone()
    }

    /// All events that came, as `told bot_revoked:sales`.
    pub(crate) fn events(&self) -> Vec<String> {
        let bodies = self.calls().into_iter().map(|call| serde_json::from_str::<Value>(&call.body).unwrap());
        bodies.flat_map(|body| body["events"].as_array().unwrap().iter().map(event).collect::<Vec<_>>()).collect()
    }

    /// Waits until these events have come, and no others.
    pub(super) async fn until(&self, events: &[&str]) {
        let wanted = |inbox: &Self| inbox.events().len() >= events.len();
        eventually(&format!("{events:?} are told, after {:?}", self.events()), async || wanted(self)).await;
        assert_eq!(self.events(), events, "{:#?}", self.calls());
    }

    /// The texts for people.
    pub(crate) fn texts(&self) -> Vec<String> {
        let bodies = self.calls().into_iter().map(|call| serde_json::from_str::<Value>(&call.body).unwrap());
        bodies.map(|body| body["text"].as_str().unwrap().to_owned()).collect()
    }
}

fn event(event: &Value) -> String {
    let of = event["of"].as_str().map(|of| format!(":{of}")).unwrap_or_default();
    format!("{} {}{of}", event["kind"].as_str().unwrap(), event["watch"].as_str().unwrap())
}

async fn take(
    State(inbox): State<Inbox>,
    method: axum::http::Method,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert_hushed("an alert", &body);
    let call = Call { method: method.to_string(), path: uri.path().to_owned(), headers, body };
    let mut state = inbox.state.lock().unwrap();
    let status = state.0;
    if status.is_success() {
        state.1.push(call);
    }
    status
}

/// A mail server without TLS, as there may be on the same machine. It takes what it understands, and nothing else.
pub(super) struct MailServer {
    pub(super) address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, mails) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let taken = Arc::clone(&mails);
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let taken = Arc::clone(&taken);
                spawn(async move { drop(talk(stream, &taken).await) });
            }
        });
        Self { address, mails }
    }

    /// The mails that came: the envelope in front.
    pub(super) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

async fn talk(stream: TcpStream, mails: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.test ready\r\n").await?;
    let mut envelope = String::new();
    while let Some(line) = lines.next_line().await? {
        let answer = match line.split_whitespace().next().unwrap_or_default().to_uppercase().as_str() {
            "EHLO" => "250-mail.test\r\n250 8BITMIME\r\n",
            "MAIL" | "RCPT" => {
                envelope.extend([&line, "\n"]);
                "250 fine\r\n"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut mail = std::mem::take(&mut envelope);
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.extend([&line, "\n"]);
                }
                mails.lock().unwrap().push(mail);
                "250 taken\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "502 not known\r\n",
        };
        write.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "nobody waits for the end of a fake")]
pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}
