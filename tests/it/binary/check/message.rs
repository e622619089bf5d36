//! `telekommo check --message`: a message there and back.

use rustix::process::Signal;
use telekommo::sandbox::harness::{ANNA, BEN, Harness};

use super::{SALES, reachable};
use crate::{
    binary::process::{Process, finished, run, text, with_config},
    support::{WITHIN, conversation, in_kommo},
};

fn message(stage: &Harness, more: &[&str]) -> tokio::process::Command {
    let mut command = with_config("check", &stage.write_config().unwrap());
    command.arg("--message").args(more);
    command
}

/// Answers in Kommo once the command asks for it, and waits until it has seen that.
async fn answer(stage: &Harness, check: Process) {
    check.printed("From Telegram to Kommo: ").await;
    check.printed("Now open the conversation with Anna Petrova in Kommo").await;
    let (_, answer) = stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "well").await;
    assert_eq!(answer.status, Some(200));
    check.printed("From Kommo to Telegram: ").await;
    check.printed("A message has crossed both ways.").await;
    assert!(check.ended().await.status.success());
}

/// The number that the command asks for.
fn number(line: &str) -> String {
    line.chars().filter(char::is_ascii_digit).collect()
}

#[tokio::test]
async fn a_message_crosses_both_ways_and_the_time_of_each_is_told() {
    let stage = reachable("");
    let process = Process::start(&stage, run(&stage)).await;
    stage.telegram.write(SALES.token, ANNA, "ok");
    let there = |stage: &Harness| in_kommo(stage, SALES, ANNA) == ["ok"];
    stage.until("she has opened the bot", WITHIN, there).await.unwrap();
    let check = Process::spawn(message(&stage, &["--source", "sales", "--chat", &ANNA.to_string()]));
    check.printed("The bot @acme_sales_bot wrote to you: ").await;
    check.printed("Answer it in Telegram with: ok").await;
    let asked = stage.telegram.messages(SALES.token, ANNA).pop().unwrap();
    assert!(format!("{asked:?}").contains("This is a test of telekommo"), "{asked:?}");
    // What she wrote before, the same words, is no answer.
    assert!(!check.stdout().contains("From Telegram"), "{}", check.stdout());
    stage.telegram.write(SALES.token, ANNA, "ok");
    answer(&stage, check).await;

    let check = Process::spawn(message(&stage, &[]));
    let number = number(&check.printed("Write the number ").await);
    stage.telegram.write(SALES.token, BEN, "good morning");
    let there = |stage: &Harness| in_kommo(stage, SALES, BEN) == ["good morning"];
    stage.until("a customer has written first", WITHIN, there).await.unwrap();
    stage.telegram.write(SALES.token, ANNA, &number);
    answer(&stage, check).await;
    process.end(Signal::TERM).await;
}

#[tokio::test]
async fn a_message_that_cannot_cross_says_why() {
    let stage = reachable("");
    let output = finished(message(&stage, &[])).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("by the running bridge: start it first"), "{}", text(&output.stderr));
    let process = Process::start(&stage, run(&stage)).await;
    for (more, words) in [
        (&["--source", "shop"][..], "there is no source shop"),
        (&["--chat", "1"], "the bot @acme_sales_bot cannot write to the chat 1"),
    ] {
        let output = finished(message(&stage, more)).await;
        assert!(output.status.code() == Some(1) && text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
    process.end(Signal::TERM).await;
}
