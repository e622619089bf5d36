//! A server for tests that answers byte by byte as it is told, also with what no server of Telegram's would say.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    domain::{
        address::{BotId, SourceId},
        keyboard::Layout,
    },
    net::Egress,
    rate_limit::ChatLimits,
    telegram::{access::Access, bot::Bot},
};

/// What becomes of a request.
pub(crate) enum Reply {
    /// It is answered with a status and a body.
    Answer(u16, String),
    /// It is answered with these bytes, and the connection closed.
    Bytes(Vec<u8>),
    /// It is answered with these bytes, and nothing follows.
    Begin(Vec<u8>),
    /// It is read, and the connection closed.
    Close,
    /// Its head is read, and the connection closed.
    CloseUnread,
    /// It is read, and nothing follows.
    Hang,
}

/// A success with a result.
pub(crate) fn success(result: &str) -> Reply {
    Reply::Answer(200, format!(r#"{{"ok":true,"result":{result}}}"#))
}

/// A refusal in Telegram's shape.
pub(crate) fn refusal(code: u16, description: &str) -> Reply {
    let body = serde_json::json!({ "ok": false, "error_code": code, "description": description });
    Reply::Answer(code, body.to_string())
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) body: String,
}

/// A running server. It ends when it is dropped.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    _serving: JoinSet<()>,
}

impl Scripted {
    /// Answers each request as `script` says.
    pub(crate) async fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, script) = (Arc::default(), Arc::new(script));
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, Arc::clone(&asked), script));
        Self { address, asked, _serving: serving }
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// A bot that talks to it, and does not wait long.
    pub(crate) fn bot(&self) -> Bot {
        bot(&format!("http://{}", self.address))
    }
}

/// A bot that talks to `server`, and does not wait long.
pub(crate) fn bot(server: &str) -> Bot {
    paced(server, 1000)
}

/// The same with so many calls per second.
pub(crate) fn paced(server: &str, requests_per_second: u32) -> Bot {
    let access = Access {
        api_url: server.parse().unwrap(),
        egress: Egress::default(),
        send_timeout: Duration::from_secs(2),
        answer_timeout: Duration::from_secs(2),
        limit_bytes: 50 << 20,
        find_timeout: Duration::from_secs(2),
        poll_timeout: Duration::from_secs(50),
        requests_per_second,
        chat_limits: ChatLimits { per_second: 1000, burst: 1000, group_per_minute: 1000 },
        layout: Layout::Inline,
    };
    Bot::new(SourceId::parse("sales").unwrap(), BotId(7), "7:secret", &access).unwrap()
}

async fn accept(
    listener: TcpListener,
    asked: Arc<Mutex<Vec<Asked>>>,
    script: Arc<impl Fn(&Asked) -> Reply + Send + Sync + 'static>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&asked), Arc::clone(&script)));
    }
}

async fn serve(mut stream: TcpStream, asked: Arc<Mutex<Vec<Asked>>>, script: Arc<impl Fn(&Asked) -> Reply>) {
    while let Some((head, begun)) = head(&mut stream).await {
        // The body is not there yet, and some scripts want none of it.
        if matches!(script(&Asked::default()), Reply::CloseUnread) {
            return;
        }
        let request = Asked { body: body(&mut stream, &head, begun).await };
        let reply = script(&request);
        asked.lock().unwrap().push(request);
        let answer = match reply {
            Reply::Answer(status, body) => {
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
            }
            Reply::Bytes(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Reply::Begin(bytes) => {
                let _ = stream.write_all(&bytes).await;
                std::future::pending().await
            }
            Reply::Close | Reply::CloseUnread => return,
            Reply::Hang => std::future::pending().await,
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// The head of the next request, and what came behind it; `None` if there is none.
async fn head(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Some((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// The body, of whose kind the head tells.
async fn body(stream: &mut TcpStream, head: &str, mut bytes: Vec<u8>) -> String {
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
    let is_whole = |bytes: &[u8]| length.map_or_else(|| bytes.ends_with(b"0\r\n\r\n"), |length| bytes.len() >= length);
    while !is_whole(&bytes) && stream.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {}
    String::from_utf8_lossy(&bytes).into_owned()
}
