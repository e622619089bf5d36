//! Broken connections, with real sockets.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, future::join_all, stream};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket},
};

use crate::{
    domain::{
        address::{Conversation, KommoMessageId, SourceId, TelegramChat},
        job::{Call, Method},
        keyboard::Keyboard,
        retry::Failure,
    },
    telegram::{
        bot::Bot,
        client::ANSWER_LIMIT_BYTES,
        error::CallError,
        routing::Target,
        tests::scripted::{Reply, Scripted, bot, bot_with_rate, refusal, success},
        updates::{Ask, Wait},
        upload::{BodySent, Incoming, SendAs, Upload, UploadError},
    },
};

const CHAT: i64 = 777;

/// A reply, and the verdicts on a message, a file, and an idempotent call.
type Case = (fn() -> Reply, &'static str, &'static str, &'static str);

fn target() -> Target {
    Target { chat_id: CHAT, business_connection_id: None, topic: None }
}

async fn send(bot: &Bot) -> Result<Option<i64>, Failure> {
    let call = Call {
        message: KommoMessageId("m".to_owned()),
        to: Conversation::new(SourceId::parse("sales").unwrap(), CHAT),
        part: 1,
        parts: 1,
        method: Method::SendText { text: "Hi".to_owned(), keyboard: Keyboard::default(), reply_to: None },
        omitted: None,
        answers_in: None,
        opening: None,
        written_at: None,
    };
    let sent = bot.send(&call, &target(), &BodySent::default()).await?;
    Ok(sent.map(|sent| sent.id.message))
}

async fn upload(bot: &Bot, size_bytes: Option<u64>) -> Result<(), UploadError> {
    let pieces = (0..4).map(|_| Ok("1234".into()));
    let incoming = Incoming { size_bytes, first: "1234".into(), rest: stream::iter(pieces).boxed() };
    let upload = Upload { form: SendAs::Document, name: "a.txt", caption: "", incoming };
    let chat = TelegramChat { id: CHAT, owner: None };
    bot.upload((chat, &target()), upload, &Keyboard::default(), None, &BodySent::default()).await.map(drop)
}

fn kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::Unreachable { .. } => "unreachable",
        Failure::Transient { .. } => "none",
        Failure::NotYet { .. } => "not yet",
        Failure::Throttled { .. } => "patience",
        Failure::Blocked { .. } => "person",
        Failure::Uncertain(_) => "uncertain",
        Failure::Permanent(_) => "hopeless",
    }
}

#[tokio::test]
async fn a_failure_after_the_request_was_sent_is_uncertain_unless_it_cannot_have_an_effect() {
    let cut = || Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"ok\":true".to_vec());
    let cases: [Case; 9] = [
        (|| Reply::Close, "uncertain", "uncertain", "none"),
        (|| Reply::CloseUnread, "uncertain", "uncertain", "none"),
        (|| Reply::Hang, "uncertain", "uncertain", "none"),
        (cut, "uncertain", "uncertain", "none"),
        (|| Reply::Answer(504, "<html>".to_owned()), "uncertain", "uncertain", "none"),
        (|| Reply::Answer(502, "<html>".to_owned()), "none", "none", "none"),
        (|| Reply::Answer(500, String::new()), "none", "none", "none"),
        (|| Reply::Answer(403, "<html>".to_owned()), "none", "none", "none"),
        (|| refusal(401, "Unauthorized"), "person", "person", "person"),
    ];
    let outcomes = cases.map(async |(reply, sent, uploaded, repeated)| {
        let server = Scripted::start(move |_| reply()).await;
        let bot = server.bot();
        let got = tokio::join!(
            send(&bot),
            upload(&bot, Some(20)),
            bot.answer_press("q"),
            bot.remove_keyboard(target(), 5),
            bot.type_in(target()),
            bot.probe(),
            bot.greet(),
        );
        let UploadError::Failed(upload) = got.1.unwrap_err() else { panic!("it failed") };
        let repeatable = [got.2, got.3, got.4, got.5, got.6].map(|answer| kind(&answer.unwrap_err()));
        ((kind(&got.0.unwrap_err()), kind(&upload), repeatable), (sent, uploaded, [repeated; 5]))
    });
    for (n, (got, want)) in join_all(outcomes).await.into_iter().enumerate() {
        assert_eq!(got, want, "case {n}");
    }
}

#[tokio::test]
async fn an_error_of_the_server_costs_no_more_than_its_answer() {
    let server = Scripted::start(|_| refusal(502, "Bad Gateway")).await;
    let started_at = Instant::now();
    assert_eq!(kind(&send(&server.bot()).await.unwrap_err()), "none");
    assert!(started_at.elapsed() < Duration::from_secs(8), "{:?}", started_at.elapsed());
}

#[tokio::test]
async fn a_message_that_cannot_be_read_counts_as_sent() {
    let (opened, closed) = ("[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(r#"{{"message_id":5,"chat":{{"id":{CHAT}}},"x":{opened}{closed}}}"#);
    let server = Scripted::start(move |_| success(&deep)).await;
    assert_eq!(send(&server.bot()).await, Ok(Some(5)));
}

#[tokio::test]
async fn the_response_to_another_call_makes_this_one_uncertain() {
    for other in ["true".to_owned(), "[]".to_owned(), format!(r#"{{"message_id":5,"chat":{{"id":{}}}}}"#, CHAT + 1)] {
        let server = Scripted::start(move |_| success(&other)).await;
        assert_eq!(kind(&send(&server.bot()).await.unwrap_err()), "uncertain");
        assert_eq!(server.requests().len(), 1, "it is not repeated");
    }
}

#[tokio::test]
async fn a_failed_connection_has_a_reason_without_secrets() {
    // A bound socket that does not listen, so that nobody else takes its port.
    let bound = TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = bound.local_addr().unwrap();
    let silent = Scripted::start(|_| Reply::Hang).await;
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain_address = plain.local_addr().unwrap();
    let speaking = async {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    };
    let asking = async {
        for (server, why) in [
            (format!("http://{closed}"), "connection refused"),
            (format!("https://{}", silent.address), "no connection in time"),
            (format!("https://{plain_address}"), "does not speak TLS"),
        ] {
            let failure = bot(&server).probe().await.unwrap_err();
            assert_eq!(kind(&failure), "unreachable", "{server}: {failure:?}");
            assert!(failure.why().starts_with("Telegram cannot be reached: "), "{failure:?}");
            assert!(failure.why().contains(why), "{failure:?}");
            assert!(!failure.why().contains("secret") && !failure.why().contains("://"), "{failure:?}");
        }
    };
    tokio::select! { () = speaking => {}, () = asking => {} }
}

#[tokio::test]
async fn a_probe_is_over_within_three_seconds() {
    let server = Scripted::start(|_| Reply::Begin(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{".to_vec())).await;
    let hanging = Scripted::start(|_| Reply::Hang).await;
    let (bots, started_at) = ([server.bot(), hanging.bot()], Instant::now());
    for answer in join_all(bots.iter().map(Bot::probe)).await {
        assert_eq!(kind(&answer.unwrap_err()), "none");
    }
    assert!(started_at.elapsed() < Duration::from_secs(8), "{:?}", started_at.elapsed());
}

#[tokio::test]
async fn a_413_of_a_web_server_is_about_large_files_alone() {
    let page = Scripted::start(|_| Reply::Answer(413, "<html>".to_owned())).await;
    assert_eq!(upload(&page.bot(), None).await, Err(UploadError::TooLargeForServer));
    let Err(UploadError::Failed(failure)) = upload(&page.bot(), Some(20)).await else { panic!() };
    assert_eq!(kind(&failure), "none");
    assert_eq!(kind(&send(&page.bot()).await.unwrap_err()), "none");
    let own = Scripted::start(|_| refusal(413, "Request Entity Too Large")).await;
    assert_eq!(upload(&own.bot(), Some(20)).await, Err(UploadError::TooLargeForServer));
}

#[tokio::test]
async fn an_endless_response_is_truncated() {
    let endless = format!(r#"{{"ok":true,"result":["{}"#, "x".repeat(ANSWER_LIMIT_BYTES + 1));
    let server = Scripted::start(move |_| Reply::Answer(200, endless.clone())).await;
    let ask = Ask { offset: None, limit: 100, wait: Wait::ForAnswer };
    let Err(CallError::Foreign(foreign)) = server.bot().updates(ask).await else { panic!() };
    assert_eq!(foreign.body.text().len(), ANSWER_LIMIT_BYTES);
}

#[tokio::test]
async fn typing_counts_against_the_rate_limit_and_is_skipped_if_there_is_no_room() {
    let server = Scripted::start(|_| success("true")).await;
    let bot = bot_with_rate(&format!("http://{}", server.address), 1);
    assert_eq!(bot.type_in(target()).await, Ok(()));
    assert_eq!(server.requests().len(), 1);
    let crowd = async { tokio::join!(bot.acquire(), bot.acquire(), bot.acquire()) };
    let (_, typing) = tokio::join!(crowd, bot.type_in(target()));
    assert_eq!(typing, Ok(()), "nobody minds");
    assert_eq!(server.requests().len(), 1, "the crowd goes first, and then it is too late");
}
