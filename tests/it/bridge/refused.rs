//! Who is turned away at the public route can read why, however much was sent, and holds nothing for long.

use std::io;

use telekommo::sandbox::harness::{ANNA, LINES, Line};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use super::raw;
use crate::support::{TestStage, WITHIN, conversation, eventually, in_telegram};

const SALES: Line = LINES[0];
const MIB: usize = 1024 * 1024;

async fn route(stage: &TestStage) -> TcpStream {
    TcpStream::connect(stage.bridge().expect("the bridge runs").public_addr()).await.unwrap()
}

/// The head of a request to the channel's address.
fn head(stage: &TestStage, headers: &str) -> String {
    format!("POST /kommo/{} HTTP/1.1\r\nhost: x\r\n{headers}\r\n", stage.kommo.settings().scope_id())
}

fn signed(length: usize) -> String {
    format!("x-signature: {}\r\ncontent-length: {length}\r\n", "0".repeat(40))
}

/// Writes all of it before it reads a single byte, as simple clients do. Gives the answer, to its end.
async fn written_then_read(mut stream: TcpStream, head: &str, body_bytes: usize) -> io::Result<String> {
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&vec![b' '; body_bytes]).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_three_mebibytes_at_once_can_read_why_not() {
    let stage = TestStage::start().await;
    let foreign = format!("POST /kommo/another HTTP/1.1\r\nhost: x\r\n{}\r\n", signed(3 * MIB));
    let chunked = head(&stage, &format!("x-signature: {}\r\ntransfer-encoding: chunked\r\n", "0".repeat(40)));
    let get = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", signed(3 * MIB));
    for (head, answer) in [
        (head(&stage, &signed(3 * MIB)), "HTTP/1.1 413 Payload Too Large\r\n"),
        // Nobody has to read a body that nobody has signed.
        (head(&stage, &format!("content-length: {}\r\n", 3 * MIB)), "HTTP/1.1 401 Unauthorized\r\n"),
        (foreign, "HTTP/1.1 404 Not Found\r\n"),
        (get, "HTTP/1.1 404 Not Found\r\n"),
        // Spaces are no chunk's length.
        (chunked, "HTTP/1.1 400 Bad Request\r\n"),
        (format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(20_000)), "HTTP/1.1 431 "),
        ("what is this\r\n\r\n".to_owned(), "HTTP/1.1 400 Bad Request\r\n"),
    ] {
        let stream = route(&stage).await;
        let read = timeout(WITHIN, written_then_read(stream, &head, 3 * MIB)).await.expect("the connection ends");
        let read = read.unwrap_or_else(|error| panic!("{answer:?} cannot be read: {error}"));
        assert!(read.starts_with(answer), "{read:?} instead of {answer:?}");
    }
    assert_eq!(stage.waiting(), 0);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_never_stops_sending_is_cut_off() {
    let stage = TestStage::start().await;
    for headers in [signed(usize::MAX / 2), "transfer-encoding: chunked\r\n".to_owned()] {
        let mut stream = route(&stage).await;
        stream.write_all(head(&stage, &headers).as_bytes()).await.unwrap();
        let sending = async {
            let piece = vec![b'1'; MIB];
            let mut sent = 0;
            while stream.write_all(&piece).await.is_ok() {
                sent += MIB;
            }
            sent
        };
        let sent = timeout(WITHIN, sending).await.expect("it is cut off");
        // What the system holds between the two ends comes on top of what is read.
        assert!(sent < 64 * MIB, "{} MiB were taken", sent / MIB);
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_is_refused_in_words_and_counted() {
    let stage = TestStage::start().await;
    let begun = Instant::now();
    let answer =
        timeout(WITHIN, written_then_read(route(&stage).await, &head(&stage, &signed(100)), 99)).await.unwrap();
    let (answer, took) = (answer.unwrap(), begun.elapsed().as_secs());
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer:?}");
    assert!((4..9).contains(&took), "after {took} s");
    stage.until_counted("telekommo_hooks_total{outcome=\"unfinished\"}").await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_come_ends_the_connection_after_five_seconds() {
    let stage = TestStage::start().await;
    for words in ["", "POST /kommo/x HTTP/1.1\r\n"] {
        let begun = Instant::now();
        let answer = timeout(WITHIN, written_then_read(route(&stage).await, words, 0)).await.expect("it ends");
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.is_empty()));
        let took = begun.elapsed().as_secs();
        assert!((4..9).contains(&took), "after {took} s");
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_whose_sender_sends_nothing_more_or_is_gone_is_stored() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    for (number, leaves) in [false, true].into_iter().enumerate() {
        let id = raw::unannounced(&stage, SALES, ANNA, "x").await;
        let hook = raw::bytes(&raw::message(&id, &conversation(SALES, ANNA), &format!("hello {number}")));
        let signature = raw::signature(&stage, &hook);
        let head = head(&stage, &format!("x-signature: {signature}\r\ncontent-length: {}\r\n", hook.len()));
        let mut stream = route(&stage).await;
        stream.write_all(&[head.as_bytes(), &hook].concat()).await.unwrap();
        stream.shutdown().await.unwrap();
        if leaves {
            drop(stream);
        } else {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
        }
        let arrived = async || in_telegram(&stage, SALES, ANNA).len() == number + 1;
        eventually("the answer is delivered", arrived).await;
    }
    stage.until_settled().await;
    stage.finish().await;
}
