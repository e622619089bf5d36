//! The commands about links and chats.

use std::fs;

use telekommo::{
    clock,
    domain::address::SourceId,
    invite::InviteKey,
    sandbox::{
        harness::{ANNA, Harness, LINES},
        kommo::Rate,
    },
};

use super::process::{finished, telekommo, text};
use crate::support::{TestStage, conversation, in_kommo};

const ACCOUNT: &str = r#"
kommo.account_url = "{account_url}"
kommo.access_token = "{access_token}"
campaigns.summer.tags = ["summer"]
campaigns.winter.source = "support"
"#;

/// How a command ended, what it printed, and what it complained of.
async fn command(stage: &Harness, words: &[&str]) -> (Option<i32>, String, String) {
    let config = stage.write_config().unwrap();
    let words = [words, &["--config", config.to_str().unwrap()]].concat();
    let mut command = telekommo(&words);
    if let Some(bridge) = stage.bridge() {
        command.env("TELEKOMMO_ADMIN__LISTEN", bridge.admin_addr().to_string());
    }
    let output = finished(command).await;
    let (printed, complaint) = (text(&output.stdout).to_owned(), text(&output.stderr).to_owned());
    for told in [&printed, &complaint] {
        assert!(!told.contains(&stage.kommo.access_token()) && !told.contains("SANDBOX"), "a secret is in {told}");
    }
    (output.status.code(), printed, complaint)
}

#[tokio::test]
async fn a_link_to_a_contact_is_signed_for_the_bot_and_drawn() {
    let stage = Harness::without_bridge(ACCOUNT).unwrap();
    let contact = stage.kommo.add_card("Ann of the book", "");
    let number = contact.to_string();
    let ask = ["link", "--source", "sales", "--contact", &number];
    let (code, printed, complaint) = command(&stage, &ask).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    let link = printed.lines().find(|line| line.starts_with("https://")).unwrap();
    let payload = link.strip_prefix("https://t.me/acme_sales_bot?start=").unwrap();
    let key = InviteKey::derive(&stage.kommo.settings().channel_secret);
    let invitation = key.open(payload, &SourceId::parse("sales").unwrap(), clock::now()).unwrap().unwrap();
    assert_eq!(invitation.contact, contact);
    let days = clock::now().until(invitation.expires_at()).as_secs() / 86400;
    assert!((6..=7).contains(&days), "{days}");
    assert!(printed.matches('▀').count() > 50, "{printed}");
    let (_, other, _) = command(&stage, &ask).await;
    assert!(!other.contains(payload), "each link is another one");
}

#[tokio::test]
async fn a_campaigns_link_is_drawn_into_files_that_are_not_there_yet() {
    let stage = Harness::without_bridge(ACCOUNT).unwrap();
    let [png, svg] = ["a.png", "a.svg"].map(|name| stage.dir().join(name));
    let files = ["--png", png.to_str().unwrap(), "--svg", svg.to_str().unwrap()];
    let ask = [&["link", "--source", "sales", "--campaign", "summer"], &files[..]].concat();
    let (code, printed, complaint) = command(&stage, &ask).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    assert!(printed.starts_with("https://t.me/acme_sales_bot?start=summer\n"), "{printed}");
    assert!(fs::read(&png).unwrap().starts_with(b"\x89PNG") && fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    let (code, _, complaint) = command(&stage, &ask).await;
    assert!(code == Some(1) && complaint.contains("never replaces"), "{complaint}");
}

#[tokio::test]
async fn what_a_link_cannot_be_about_is_told() {
    let stage = Harness::without_bridge(ACCOUNT).unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["--source", "sale", "--contact", "1"], "the sources are sales, support"),
        (&["--source", "sales", "--contact", "0"], "is not the number of a contact"),
        (&["--source", "sales", "--contact", "1"], "Kommo has no contact 1"),
        (&["--source", "sales", "--campaign", "autumn"], "[campaigns.autumn]"),
        (&["--source", "sales", "--campaign", "winter"], "campaigns.winter.source"),
        (&["--source", "sales"], "<--contact <NUMBER>|--campaign <NAME>>"),
    ];
    for (words, says) in cases {
        let (code, _, complaint) = command(&stage, &[&["link"], words].concat()).await;
        assert!(code.is_some_and(|code| code > 0) && complaint.contains(says), "{words:?}: {complaint}");
    }
    stage.telegram.revoke(LINES[0].token);
    let (code, _, complaint) = command(&stage, &["link", "--source", "sales", "--campaign", "summer"]).await;
    assert!(code == Some(1) && complaint.contains("does not accept this bot's token"), "{complaint}");
    let without_token = Harness::without_bridge("").unwrap();
    let (_, _, complaint) = command(&without_token, &["link", "--source", "sales", "--contact", "1"]).await;
    assert!(complaint.contains("kommo.access_token"), "{complaint}");
}

/// Whether a conversation is found by what a person knows of it, and by nothing else.
async fn assert_found(stage: &TestStage, name: &str) {
    for (words, is_found) in [
        (&["--search", "PETROVA"][..], true),
        (&["--search", "@annap"], true),
        (&["--search", "Petrov Anna"], false),
        (&["--source", "sales"], true),
        (&["--source", "support"], false),
        (&["--source", "sales", "--search", "anna"], true),
    ] {
        let (code, printed, _) = command(stage, &[&["chats", "list"], words].concat()).await;
        assert_eq!((code, printed.contains(name)), (Some(0), is_found), "{words:?}: {printed}");
        assert_eq!(printed.contains("No conversation matches."), !is_found, "{words:?}: {printed}");
    }
    let (code, _, complaint) = command(stage, &["chats", "list", "--source", "sale"]).await;
    assert!(code == Some(1) && complaint.contains("the sources are sales, support"), "{complaint}");
    let (_, printed, _) = command(stage, &["chats", "list", "--json"]).await;
    let rows: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let row = [&rows[0]["conversation"], &rows[0]["name"], &rows[0]["username"]];
    assert_eq!(row, [name, "Anna Petrova", "annap"], "{rows}");
    assert!(rows[0]["last_message_at"].is_i64(), "{rows}");
}

#[tokio::test]
async fn chats_are_listed_shown_and_given_to_another_contact() {
    let stage = TestStage::with(ACCOUNT).await;
    stage.kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
    let (_, printed, _) = command(&stage, &["chats", "list"]).await;
    assert_eq!(printed, "Nobody has written to a bot yet.\n");
    stage.begin(LINES[0], ANNA).await;
    let (name, known) = (conversation(LINES[0], ANNA), stage.kommo.add_card("Anna of the book", "+1555"));
    let chat = stage.kommo.chat(&name).unwrap().chat_id;
    let (_, printed, _) = command(&stage, &["chats", "list"]).await;
    assert!(printed.contains(&name) && printed.contains(&chat), "{printed}");
    assert!(printed.lines().any(|line| line.contains(&format!("{name}  Anna Petrova"))), "{printed}");
    assert_found(&stage, &name).await;
    let number = known.to_string();
    let (code, printed, complaint) = command(&stage, &["chats", "link", &name, &number]).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{printed}");
    stage.until("the chat has moved", |stage| stage.kommo.card_of_chat(&chat) == Some(known)).await;
    let (_, printed, _) = command(&stage, &["chats", "show", &name]).await;
    assert!(printed.contains("Anna of the book") && printed.contains("+1555"), "{printed}");
    assert!(printed.contains("In Telegram     Anna Petrova @annap\n"), "{printed}");
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    let (_, printed, _) = command(&stage, &["chats", "link", &name, &number]).await;
    assert!(printed.contains("already"), "{printed}");
    let (code, printed, complaint) = command(&stage, &["chats", "forget", &name]).await;
    assert!(code == Some(0) && printed.contains("until they write again"), "{printed}{complaint}");
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    let (_, printed, _) = command(&stage, &["chats", "list"]).await;
    assert!(printed.contains(&chat) && !printed.contains("Anna Petrova"), "{printed}");
    let (code, _, complaint) = command(&stage, &["chats", "forget", &name]).await;
    assert!(code == Some(1) && complaint.contains("the store has nothing about the person"), "{complaint}");
    // Who writes again is known again, and in the same chat.
    stage.telegram.write(LINES[0].token, ANNA, "Hello again");
    stage.until("Kommo has it", |stage| in_kommo(stage, LINES[0], ANNA).contains(&"Hello again".to_owned())).await;
    let (_, printed, _) = command(&stage, &["chats", "list"]).await;
    assert!(printed.contains("Anna Petrova") && printed.contains(&chat), "{printed}");
    stage.finish().await;
}

#[tokio::test]
async fn what_cannot_be_done_with_a_chat_is_told() {
    let stage = TestStage::with(ACCOUNT).await;
    stage.begin(LINES[0], ANNA).await;
    let name = conversation(LINES[0], ANNA);
    let cases: [(&[&str], &str); 4] = [
        (&["unlink", &name], "Kommo's API cannot take a chat from its contact"),
        (&["link", &name, "5"], "Kommo has no contact 5"),
        (&["link", "tg:sales:1", "5"], "`telekommo chats list` lists all"),
        (&["show", "nonsense"], "`telekommo chats list` lists all"),
    ];
    for (words, says) in cases {
        let (code, _, complaint) = command(&stage, &[&["chats"], words].concat()).await;
        assert!(code == Some(1) && complaint.contains(says), "{words:?}: {complaint}");
    }
    stage.finish().await;
}
