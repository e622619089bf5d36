//! Files that are not what they were said to be, and servers that give none.

use std::sync::{Arc, Mutex, OnceLock};

use axum::body::Bytes;
use telekommo::sandbox::{
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Fetched, Media},
    telegram::{FileKind, Hosting, NewFile},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::support::{TestStage, conversation, eventually};

const SALES: Line = LINES[0];

/// Stands before the Bot API server, and answers for files in its place, byte by byte as a test likes.
struct Front {
    url: String,
    behind: Arc<OnceLock<String>>,
    answer: Arc<Mutex<Option<String>>>,
}

impl Front {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (behind, answer): (Arc<OnceLock<String>>, Arc<Mutex<Option<String>>>) = Default::default();
        let (there, said) = (Arc::clone(&behind), Arc::clone(&answer));
        #[expect(clippy::disallowed_methods, reason = "a test has no lifecycle")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, Arc::clone(&there), Arc::clone(&said)));
            }
        });
        Self { url, behind, answer }
    }

    /// All that is answered to whoever asks for a file; then the connection ends in good order. `None` asks the server.
    fn answers(&self, text: Option<&str>) {
        *self.answer.lock().unwrap() = text.map(str::to_owned);
    }
}

async fn pass(mut stream: TcpStream, behind: Arc<OnceLock<String>>, answer: Arc<Mutex<Option<String>>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let is_file = head.starts_with(b"GET /file/");
    let said = if is_file { answer.lock().unwrap().clone() } else { None };
    if is_file {
        // The next one is to come here, too.
        head.truncate(head.len() - 2);
        head.extend_from_slice(b"connection: close\r\n\r\n");
    }
    if let Some(text) = said {
        stream.write_all(text.as_bytes()).await.unwrap_or_default();
        stream.shutdown().await.unwrap_or_default();
        return;
    }
    let Some(behind) = behind.get() else { return };
    let Ok(mut server) = TcpStream::connect(behind).await else { return };
    server.write_all(&head).await.unwrap_or_default();
    copy_bidirectional(&mut stream, &mut server).await.unwrap_or_default();
}

async fn stage() -> (TestStage, Front) {
    let front = Front::start().await;
    let mut stage = TestStage::with(&format!("telegram.api_url = \"{}\"\n", front.url)).await;
    stage.allow_failures();
    front.behind.set(stage.telegram.url().trim_start_matches("http://").to_owned()).unwrap();
    (stage, front)
}

fn fetched(stage: &Harness) -> Vec<(Media, Option<Fetched>)> {
    let messages = stage.kommo.chat(&conversation(SALES, ANNA)).map(|chat| chat.messages).unwrap_or_default();
    messages.into_iter().filter_map(|message| message.media).map(|media| (media.clone(), media.fetched)).collect()
}

/// A customer sends a file of these bytes. Gives where Kommo finds it.
async fn link(stage: &TestStage, bytes: &'static [u8]) -> String {
    let before = fetched(stage).len();
    let file = NewFile { kind: FileKind::Document, bytes: Bytes::from_static(bytes), name: None, caption: None };
    stage.telegram.send_file(SALES.token, ANNA, &file);
    stage
        .until("Kommo has tried to fetch it", |stage| {
            fetched(stage).get(before).is_some_and(|(_, fetched)| fetched.is_some())
        })
        .await;
    fetched(stage).remove(before).0.url
}

/// What somebody gets who fetches a link; `None` if it breaks off.
async fn got(url: &str, range: Option<&str>) -> Option<(u16, String)> {
    let request = reqwest::Client::new().get(url);
    let request = range.into_iter().fold(request, |request, range| request.header("range", range));
    let response = request.send().await.ok()?;
    Some((response.status().as_u16(), response.text().await.ok()?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_whole_is_never_passed_on_as_whole() {
    let (stage, front) = stage().await;
    let url = link(&stage, b"12345").await;
    let whole = || Some((200, "12345".to_owned()));
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    // Each of these ends in good order, as far as HTTP is concerned; and some of them do not.
    for (answer, want) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345".to_owned(), whole()),
        (format!("{chunked}5\r\n12345\r\n0\r\n\r\n"), whole()),
        ("HTTP/1.0 200 OK\r\n\r\n12345".to_owned(), whole()),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n1234".to_owned(), None),
        (format!("{chunked}4\r\n1234\r\n0\r\n\r\n"), None),
        (format!("{chunked}4\r\n1234\r\n"), None),
        (format!("{chunked}5\r\n12345\r\n1\r\n6\r\n0\r\n\r\n"), None),
        ("HTTP/1.0 200 OK\r\n\r\n1234".to_owned(), None),
        ("HTTP/1.0 200 OK\r\n\r\n123456".to_owned(), None),
    ] {
        front.answers(Some(&answer));
        assert_eq!(got(&url, None).await, want, "{answer:?}");
    }
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n1234",
        "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n123456",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ] {
        front.answers(Some(answer));
        let (status, body) = got(&url, None).await.unwrap();
        assert_eq!(status, 502, "{answer:?}");
        assert!(body.contains("than announced"), "{answer:?}: {body}");
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_is_a_part() {
    let (stage, front) = stage().await;
    let url = link(&stage, b"12345").await;
    let part = |head: &str, body: &str| format!("HTTP/1.1 206 Partial Content\r\n{head}\r\n\r\n{body}");
    for (answer, want) in [
        (part("content-range: bytes 1-2/5\r\ncontent-length: 2", "23"), Some("23")),
        (part("content-range: bytes 1-2/5\r\ncontent-length: 2", "2"), None),
        (part("content-range: bytes 1-2/5\r\nconnection: close", "2"), None),
        (part("content-range: bytes 1-2/5\r\nconnection: close", "234"), None),
        ("HTTP/1.0 200 OK\r\n\r\n1234".to_owned(), None),
    ] {
        front.answers(Some(&answer));
        let want = want.map(|body| (206, body.to_owned()));
        assert_eq!(got(&url, Some("bytes=1-2")).await, want, "{answer:?}");
    }
    front.answers(Some(&part("content-range: bytes 1-2/4\r\ncontent-length: 2", "23")));
    assert_eq!(got(&url, Some("bytes=1-2")).await.unwrap().0, 502, "it is part of another file");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_gives_no_file_shows_and_so_does_that_it_gives_them_again() {
    let (stage, front) = stage().await;
    let count = |outcome: &str| format!("telekommo_files_total{{source=\"sales\",outcome=\"{outcome}\"}}");
    let url = link(&stage, b"12345").await;
    stage.until_counted(&count("served")).await;
    stage.telegram.host(Hosting::Own);
    for bytes in [b"abc", b"def", b"ghi"] {
        assert!(!stage.admin("/ready").await.1.contains("files of source"));
        let url = link(&stage, bytes).await;
        // One file that fails again and again is one file.
        assert_eq!([got(&url, None).await.unwrap().0, got(&url, None).await.unwrap().0], [502, 502]);
    }
    stage.until_counted(&count("failed")).await;
    let (_, ready) = stage.admin("/ready").await;
    for words in [
        "files of source sales: none of the last 3 could be given to Kommo: the Bot API server has the file and does \
         not give it (HTTP 404)",
        "--local",
        "`telegram.local_dir`",
        "a web server in front of it",
    ] {
        assert!(ready.contains(words), "{ready}");
    }

    front.answers(Some("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345"));
    assert_eq!(got(&url, None).await, Some((200, "12345".to_owned())));
    eventually("the note goes", async || !stage.admin("/ready").await.1.contains("files of source")).await;
    stage.finish().await;
}
