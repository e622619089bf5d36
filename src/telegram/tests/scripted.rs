//! A server for tests that responds with any bytes, also with those that Telegram's server would never send.

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

/// How the server handles a request.
pub(crate) enum Reply {
    /// Responds with a status and a body.
    Answer(u16, String),
    /// Responds with these bytes, and closes the connection.
    Bytes(Vec<u8>),
    /// Responds with these bytes, and keeps the connection open.
    Begin(Vec<u8>),
    /// Reads the request, and closes the connection.
    Close,
    /// Reads the headers, and closes the connection.
    CloseUnread,
    /// Reads the request, and never responds.
    Hang,
}

/// A success with a result.
pub(crate) fn success(result: &str) -> Reply {
    Reply::Answer(200, format!(r#"{{"ok":true,"result":{result}}}"#))
}

/// A refusal in Telegram's format.
pub(crate) fn refusal(code: u16, description: &str) -> Reply {
    let body = serde_json::json!({ "ok": false, "error_code": code, "description": description });
    Reply::Answer(code, body.to_string())
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) body: String,
}

/// A running server. It ends when it is dropped.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Recorded>>>,
    _serving: JoinSet<()>,
}

impl Scripted {
    /// Starts a server that handles each request by `script`.
    pub(crate) async fn start(script: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, script) = (Arc::default(), Arc::new(script));
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, Arc::clone(&requests), script));
        Self { address, requests, _serving: serving }
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap().clone()
    }

    /// A bot of this server, with short timeouts.
    pub(crate) fn bot(&self) -> Bot {
        bot(&format!("http://{}", self.address))
    }
}

/// A bot of `server`, with short timeouts.
pub(crate) fn bot(server: &str) -> Bot {
    bot_with_rate(server, 1000)
}

/// A bot of `server` with a rate limit.
pub(crate) fn bot_with_rate(server: &str, requests_per_second: u32) -> Bot {
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
    requests: Arc<Mutex<Vec<Recorded>>>,
    script: Arc<impl Fn(&Recorded) -> Reply + Send + Sync + 'static>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&requests), Arc::clone(&script)));
    }
}

async fn serve(mut stream: TcpStream, requests: Arc<Mutex<Vec<Recorded>>>, script: Arc<impl Fn(&Recorded) -> Reply>) {
    while let Some((head, rest)) = head(&mut stream).await {
        // The body was not read yet, and some scripts close the connection before that.
        if matches!(script(&Recorded::default()), Reply::CloseUnread) {
            return;
        }
        let request = Recorded { body: body(&mut stream, &head, rest).await };
        let reply = script(&request);
        requests.lock().unwrap().push(request);
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

/// The headers of the next request, and the bytes after them; `None` if there is none.
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

/// The body, whose end depends on the headers.
async fn body(stream: &mut TcpStream, head: &str, mut bytes: Vec<u8>) -> String {
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
    let is_complete =
        |bytes: &[u8]| length.map_or_else(|| bytes.ends_with(b"0\r\n\r\n"), |length| bytes.len() >= length);
    while !is_complete(&bytes) && stream.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {}
    String::from_utf8_lossy(&bytes).into_owned()
}
