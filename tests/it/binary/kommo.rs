//! The commands about Kommo: `connect`, `disconnect`, `sources`, `check`.

use rustix::process::Signal;
use telekommo::{
    domain::time::UnixMillis,
    sandbox::{
        harness::Harness,
        kommo::{ErrorShape, FakeKommo, MAIN_PIPELINE, Rate, Subject},
    },
};

use super::process::{Process, finished, run, telekommo, text};

/// Settings with the account's address and a token.
const ACCOUNT: &str = r#"
telegram.poll_timeout = "1s"
kommo.account_url = "{account_url}"
kommo.access_token = "{access_token}"
"#;

/// How a command ended, what it printed, and what it complained of.
async fn command(stage: &Harness, words: &[&str]) -> (Option<i32>, String, String) {
    let config = stage.write_config().unwrap();
    // Each command begins to count anew, and a test types fast.
    stage.kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
    let words = [words, &["--config", config.to_str().unwrap()]].concat();
    let output = finished(telekommo(&words)).await;
    let (printed, complaint) = (text(&output.stdout).to_owned(), text(&output.stderr).to_owned());
    for told in [&printed, &complaint] {
        assert!(!told.contains(&stage.kommo.access_token()) && !told.contains("SANDBOX"), "a secret is in {told}");
    }
    let wide: Vec<_> = printed.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "too wide: {wide:#?}");
    (output.status.code(), printed, complaint)
}

/// The same for one that has to succeed; gives what it printed.
async fn done(stage: &Harness, words: &[&str]) -> String {
    let (code, printed, complaint) = command(stage, words).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{words:?}: {printed}");
    printed
}

#[tokio::test]
async fn a_channel_is_connected_and_disconnected() {
    let stage = Harness::without_bridge("").unwrap();
    stage.kommo.set_connected(false);
    let printed = done(&stage, &["connect"]).await;
    assert!(stage.kommo.is_connected() && printed.contains(&stage.kommo.settings().scope_id()), "{printed}");
    assert!(printed.contains("Time window     off"), "{printed}");
    done(&stage, &["connect"]).await;
    let printed = done(&stage, &["disconnect"]).await;
    assert!(!stage.kommo.is_connected() && printed.contains("telekommo connect"), "{printed}");
}

/// Kommo's support finds a request by its number.
#[tokio::test]
async fn a_check_names_the_number_of_a_request_that_failed() {
    let other_secret = "#kommo.channel_secret\nkommo.channel_secret = \"ffffffffffffffffffffffffffffffffffffffff\"";
    let stage = Harness::without_bridge(other_secret).unwrap();
    stage.kommo.quirks(|quirks| quirks.errors = ErrorShape::Newer);
    let (code, printed, _) = command(&stage, &["check"]).await;
    assert!(
        code == Some(1) && printed.contains("trace_id") && printed.contains("ORIGIN_INVALID_SIGNATURE"),
        "{printed}"
    );
}

#[tokio::test]
async fn a_connection_that_kommo_refuses_says_what_to_compare() {
    let unknown = "#kommo.channel_id\nkommo.channel_id = \"11111111-2222-4333-8444-555555555555\"";
    let other_secret = "#kommo.channel_secret\nkommo.channel_secret = \"ffffffffffffffffffffffffffffffffffffffff\"";
    for (settings, says) in [(unknown, "the support's answer"), (other_secret, "kommo.channel_secret")] {
        let stage = Harness::without_bridge(settings).unwrap();
        let (code, _, complaint) = command(&stage, &["connect"]).await;
        assert!(code == Some(1) && complaint.contains(says), "{complaint}");
        let (code, printed, _) = command(&stage, &["check"]).await;
        assert!(code == Some(1) && flat(&printed).contains(says), "{printed}");
    }
}

#[tokio::test]
async fn sources_are_shown_brought_in_step_and_deleted() {
    let stage = Harness::without_bridge(ACCOUNT).unwrap();
    stage.kommo.add_source("sales", "Another name", MAIN_PIPELINE);
    stage.kommo.add_source("old", "Old bot", MAIN_PIPELINE);
    let printed = done(&stage, &["sources", "list"]).await;
    for (source, state) in [("sales", "differs"), ("support", "not in Kommo"), ("old", "not configured")] {
        assert!(printed.lines().any(|line| line.starts_with(source) && line.ends_with(state)), "{printed}");
    }
    let printed = done(&stage, &["sources", "sync"]).await;
    assert_eq!(
        printed,
        "support: created in Kommo\nsales: changed in Kommo\nold: in Kommo, but not in the configuration; left as it \
         is\n"
    );
    done(&stage, &["sources", "remove", "old"]).await;
    let printed = done(&stage, &["sources", "sync"]).await;
    assert_eq!(printed, "All 2 sources are in sync.\n");
    let printed = done(&stage, &["sources", "remove", "sales"]).await;
    assert!(printed.contains("still in the configuration"), "{printed}");
    assert_eq!(stage.kommo.sources().len(), 1);
    let (code, _, complaint) = command(&stage, &["sources", "remove", "nobody"]).await;
    assert!(code == Some(1) && complaint.contains("no source nobody"), "{complaint}");
}

#[tokio::test]
async fn the_sources_and_contacts_of_a_foreign_account_are_none_of_ours() {
    let stage = Harness::without_bridge(ACCOUNT).unwrap();
    stage.kommo.set_amojo_id("11111111-2222-4333-8444-555555555555");
    for words in [["sources", "sync"], ["sources", "list"], ["templates", "list"]] {
        let (code, printed, complaint) = command(&stage, &words).await;
        assert!(code == Some(1) && complaint.contains("correct kommo.account_id"), "{printed}{complaint}");
    }
    assert!(stage.kommo.sources().is_empty());
    assert!(stage.kommo.rest_requests().iter().all(|request| request.subject == Some(Subject::Account)));
}

#[tokio::test]
async fn sources_need_a_token_and_say_so() {
    let stage = Harness::without_bridge("").unwrap();
    let (code, _, complaint) = command(&stage, &["sources", "list"]).await;
    assert!(code == Some(1) && complaint.contains("kommo.access_token"), "{complaint}");
}

/// Without the breaks of the lines.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn check_says_how_kommo_sees_the_configuration() {
    let stage = Harness::without_bridge("").unwrap();
    let printed = done(&stage, &["check"]).await;
    assert!(flat(&printed).contains("Connection connected") && flat(&printed).contains("Token none."), "{printed}");
    let stage = Harness::without_bridge(ACCOUNT).unwrap();
    done(&stage, &["sources", "sync"]).await;
    let requests = stage.kommo.rest_requests().len();
    let printed = done(&stage, &["check"]).await;
    for part in ["valid for 36", "Acme (28805383)", "all 2 are in sync", "may read users"] {
        assert!(flat(&printed).contains(part), "{part} is missing in\n{printed}");
    }
    let asked = stage.kommo.rest_requests();
    let is_read = |method: &str| ["GET", "HEAD"].contains(&method);
    assert!(asked[requests..].iter().all(|it| is_read(it.method.as_str())), "a check changes nothing");
    done(&stage, &["check", "--offline"]).await;
    assert_eq!(stage.kommo.rest_requests().len(), asked.len());
}

/// What is wrong, and what a check says about it.
type Trouble = (fn(&FakeKommo), &'static str);

const TROUBLES: [Trouble; 7] = [
    (|kommo| drop(kommo.new_token(UnixMillis(0))), "Token expired"),
    (|kommo| kommo.set_amojo_id("11111111-2222-4333-8444-555555555555"), "correct kommo.account_id"),
    (|kommo| kommo.forbid(&[Subject::Users]), "users: Kommo answered 403"),
    (|kommo| kommo.forbid(&[Subject::ContactChats]), "chats of contacts: Kommo answered 403"),
    (|kommo| kommo.forbid(&[Subject::Sources]), "Sources Kommo answered 403"),
    (|kommo| kommo.rest_down(true).unwrap(), "cannot be reached"),
    (|kommo| kommo.set_connected(false), "`telekommo connect`"),
];

#[tokio::test]
async fn check_says_what_is_wrong_and_what_to_do() {
    for (trouble, says) in TROUBLES {
        let stage = Harness::without_bridge(ACCOUNT).unwrap();
        done(&stage, &["sources", "sync"]).await;
        trouble(&stage.kommo);
        let (code, printed, complaint) = command(&stage, &["check"]).await;
        assert_eq!((code, complaint.as_str()), (Some(1), ""), "{says}");
        assert!(flat(&printed).contains(says), "{says} is missing in\n{printed}");
    }
}

#[tokio::test]
async fn check_says_which_fields_are_missing_or_take_no_text() {
    let filled = "kommo.username_field = \"Telegram\"\ncampaigns.summer.utm_source = \"telegram\"\n";
    let stage = Harness::without_bridge(&format!("{ACCOUNT}{filled}")).unwrap();
    done(&stage, &["sources", "sync"]).await;
    let printed = done(&stage, &["check"]).await;
    assert!(flat(&printed).contains("Fields all fields that are needed exist"), "{printed}");
    for (name, says) in
        [("Telegramm", "contacts have no field \"Telegramm\""), ("Visits", "\"Visits\" has the type numeric")]
    {
        let wrong = filled.replace("Telegram\"", &format!("{name}\""));
        let stage = Harness::without_bridge(&format!("{ACCOUNT}{wrong}")).unwrap();
        done(&stage, &["sources", "sync"]).await;
        let (code, printed, _) = command(&stage, &["check"]).await;
        assert!(code == Some(1) && flat(&printed).contains(says), "{printed}");
    }
}

#[tokio::test]
async fn a_start_that_knows_no_account_says_what_to_write() {
    let stage = Harness::without_bridge(&format!("{ACCOUNT}#kommo.account_id")).unwrap();
    stage.kommo.rest_down(true).unwrap();
    let process = Process::spawn(run(&stage));
    let complaint = process.logged("kommo.account_id is not set").await;
    assert!(complaint.contains("cannot be reached"), "{complaint}");
    let ended = process.end(Signal::TERM).await;
    assert!(
        ended.status.success(),
        "it takes hooks until the account can be asked, and stops in good order: {}",
        ended.stderr
    );
}
