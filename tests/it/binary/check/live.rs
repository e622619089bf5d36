//! `telekommo check --live`: each question with each answer, between the fakes.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;
use serde_json::Value;
use telekommo::sandbox::{
    harness::{ANNA, BEN, Harness},
    kommo::{Author, Doubtful, DuplicateAnswer, Fetches, Message, Optional, Quirks, Status, StatusNames, Texts},
};

use super::{SALES, reachable};
use crate::{
    binary::{
        process::{Process, finished, run, text, with_config},
        terminal::on_terminal,
    },
    support::{WITHIN, conversation, in_kommo},
};

/// What every test message begins with.
const MARK: &str = "Test of telekommo, please ignore";

fn live(stage: &Harness, more: &[&str]) -> tokio::process::Command {
    let mut command = with_config("check", &stage.write_config().unwrap());
    command.arg("--live").args(more);
    command
}

/// A bridge with two customers, of whom Anna is the one who runs it; a manager has answered both.
struct Live {
    stage: Harness,
    process: Process,
}

impl Live {
    async fn start() -> Self {
        Self::with("").await
    }

    async fn with(more: &str) -> Self {
        // So long is waited for what does not come.
        let stage = reachable(&format!("kommo.timeout = \"3s\"\nkommo.requests_per_second = 100\n{more}"));
        let process = Process::start(&stage, run(&stage)).await;
        for person in [ANNA, BEN] {
            stage.telegram.write(SALES.token, person, "hello");
            let there = |stage: &Harness| in_kommo(stage, SALES, person) == ["hello"];
            stage.until("they have written", WITHIN, there).await.unwrap();
            stage.kommo.reply(&conversation(SALES, person), "Maria", "good morning").await;
            let is_told = |stage: &Harness| {
                let messages = stage.kommo.chat(&conversation(SALES, person)).unwrap().messages;
                messages.iter().any(|it| it.from == Author::Manager && it.status == Status::Delivered)
            };
            stage.until("the answer has arrived", WITHIN, is_told).await.unwrap();
        }
        stage.telegram.set_avatar(ANNA, Some(b"a picture of hers".to_vec().into()));
        Self { stage, process }
    }

    fn messages(&self) -> Vec<Message> {
        self.stage.kommo.chat(&conversation(SALES, ANNA)).unwrap().messages
    }

    /// What the command says of each question, as programs read it.
    async fn asked(&self) -> Value {
        let anna = ANNA.to_string();
        let output = finished(live(&self.stage, &["--yes", "--json", "--chat", &anna])).await;
        assert_eq!(text(&output.stderr), "");
        let told: Value = serde_json::from_str(text(&output.stdout)).unwrap();
        assert_eq!(output.status.code(), Some(if told["ok"] == true { 0 } else { 2 }), "{told:#}");
        told
    }
}

fn of<'t>(told: &'t Value, question: &str) -> &'t Value {
    let found = told["questions"].as_array().unwrap().iter().find(|it| it["question"] == question);
    found.unwrap_or_else(|| panic!("{question}: {told:#}"))
}

#[tokio::test]
async fn an_account_that_is_as_assumed_says_so_and_nothing_reaches_anybody_else() {
    let live = Live::start().await;
    let bens = live.stage.kommo.chat(&conversation(SALES, BEN)).unwrap().messages;
    let sent_to_ben = live.stage.telegram.messages(SALES.token, BEN).len();
    live.stage.kommo.typing(&conversation(SALES, ANNA)).await;
    let told = live.asked().await;
    assert_eq!(told["ok"], true, "{told:#}");
    for outcome in told["questions"].as_array().unwrap() {
        assert!(outcome["state"] == "as_assumed" && outcome.get("setting").is_none(), "{outcome:#}");
    }
    for (question, words) in [
        ("same_message_twice", "the second call is refused"),
        ("edits", "it takes them"),
        ("status_with_message", "it takes both together"),
        ("delivery_status", "both together, and status_code and delivery_status alone"),
        ("quotes", "it refuses a quote of an unknown message"),
        ("long_texts", "all of 16,384 characters"),
        ("fetching_of_files", "it does, by 1 GET of the whole"),
        ("large_files", "it takes one that is said to have 20 MiB"),
        ("history", "it does"),
        ("typing_of_managers", "it tells it"),
    ] {
        assert!(of(&told, question)["found"].as_str().unwrap().contains(words), "{words}: {told:#}");
    }
    let (mine, others): (Vec<_>, Vec<_>) =
        live.messages().into_iter().partition(|it| it.client_msgid.as_deref().unwrap_or("").contains("telekommo-live"));
    assert!(mine.iter().all(|it| it.silent), "nobody is notified");
    let is_marked = |it: &&Message| it.text.starts_with(MARK) || it.text == "(This was a test of telekommo.)";
    assert_eq!(mine.iter().filter(is_marked).count(), mine.len());
    assert!(mine.iter().filter(|it| it.kind == "text").all(|it| it.text == "(This was a test of telekommo.)"));
    assert_eq!(told["cleaned"]["messages"], mine.len());
    let texts: Vec<_> = others.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["hello", "good morning"]);
    assert_eq!(others.iter().filter(|it| it.from == Author::Manager).count(), 1);
    // Nobody else has anything of it, in Kommo or in Telegram; nor has she in Telegram.
    assert_eq!(live.stage.kommo.chat(&conversation(SALES, BEN)).unwrap().messages, bens);
    assert_eq!(live.stage.telegram.messages(SALES.token, BEN).len(), sent_to_ben);
    assert_eq!(live.stage.kommo.chats().len(), 2);
    let hers = live.stage.telegram.messages(SALES.token, ANNA);
    assert!(!hers.iter().any(|it| it.text.contains("telekommo")), "{hers:?}");
    let chat = live.stage.kommo.chat(&conversation(SALES, ANNA)).unwrap();
    assert_eq!(chat.contact.name, "Anna Petrova", "the contact keeps its name");
    live.process.end(Signal::TERM).await;
}

#[tokio::test]
async fn the_report_has_no_secrets_names_or_ids_and_is_for_its_owner_alone() {
    let live = Live::start().await;
    live.stage.kommo.quirks(|quirks| quirks.customer_edits = Doubtful::Refused);
    let told = live.asked().await;
    let file = live.stage.dir().join("data/live.json");
    assert_eq!(told["report"], file.to_str().unwrap());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let report = fs::read_to_string(&file).unwrap();
    let read: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(read["questions"], told["questions"]);
    assert_eq!((&read["chats_api"], &read["version"]), (&"another".into(), &env!("CARGO_PKG_VERSION").into()));
    let chat = live.stage.kommo.chat(&conversation(SALES, ANNA)).unwrap();
    let settings = live.stage.kommo.settings();
    let ids = [chat.chat_id, chat.contact.id, settings.account_id.clone(), settings.channel_id.clone()];
    let secrets = [settings.channel_secret.clone(), live.stage.kommo.access_token(), SALES.secret().to_owned()];
    let names = ["Anna", "Petrova", "tg:", "acme", "127.0.0.1"].map(str::to_owned);
    let numbers = [ANNA.to_string(), BEN.to_string(), settings.bot_id.clone()];
    let messages = chat.messages.into_iter().map(|message| message.id);
    for private in ids.into_iter().chain(secrets).chain(names).chain(numbers).chain(messages) {
        assert!(!report.contains(&private), "{private}: {report}");
    }
    live.process.end(Signal::TERM).await;
}

/// What an account does, the question, how it stands, what is said, and the setting.
type Case = (fn(&mut Quirks), &'static str, &'static str, &'static str, Option<&'static str>);

const CASES: [Case; 17] = [
    (
        |it| it.duplicates = DuplicateAnswer::SameIds200,
        "same_message_twice",
        "as_assumed",
        "the ids of the first",
        None,
    ),
    (|it| it.duplicates = DuplicateAnswer::Blank200, "same_message_twice", "as_assumed", "names nothing", None),
    (|it| it.duplicates = DuplicateAnswer::Doubled, "same_message_twice", "differs", "a second message", None),
    (
        |it| it.customer_edits = Doubtful::Refused,
        "edits",
        "differs",
        "it refuses them",
        Some("kommo.customer_edits = false"),
    ),
    (
        |it| it.new_statuses = Doubtful::Refused,
        "status_with_message",
        "differs",
        "without a status only",
        Some("kommo.status_in_messages = false"),
    ),
    (
        |it| it.status_names = StatusNames::Newer,
        "delivery_status",
        "differs",
        "it takes status_code alone",
        Some("kommo.status_names = \"status_code\""),
    ),
    (
        |it| it.status_names = StatusNames::Older,
        "delivery_status",
        "differs",
        "it takes delivery_status alone",
        Some("kommo.status_names = \"delivery_status\""),
    ),
    (|it| it.unknown_quotes = Doubtful::Taken, "quotes", "as_assumed", "takes a quote of an unknown", None),
    (|it| it.texts = Texts::Cut(5000), "long_texts", "as_assumed", "4,096 characters, and not all of 16,384", None),
    (|it| it.texts = Texts::Cut(1000), "long_texts", "differs", "keeps 1000 characters of 4,096", None),
    (|it| it.texts = Texts::Refused(1000), "long_texts", "differs", "refuses 4,096 characters", None),
    (|it| it.fetches = Fetches::InParts, "fetching_of_files", "as_assumed", "1 HEAD, 2 GET with Range", None),
    (|it| it.fetches = Fetches::Never, "fetching_of_files", "differs", "not fetched one within 3 seconds", None),
    (|it| it.largest_file = Some(1 << 20), "large_files", "differs", "refuses a file of 20 MiB", None),
    (|it| it.history_ids = Optional::Missing, "history", "differs", "message.client_id, sender.client_id", None),
    (|it| it.blanks = Optional::Missing, "history", "as_assumed", "it does", None),
    (|it| it.unfit_status = 422, "same_message_twice", "as_assumed", "the second call is refused", None),
];

#[tokio::test]
async fn each_question_is_answered_as_the_account_does_it() {
    let live = Live::start().await;
    for (change, question, state, words, setting) in CASES {
        live.stage.kommo.quirks(|quirks| {
            *quirks = Quirks::default();
            change(quirks);
        });
        let told = live.asked().await;
        let outcome = of(&told, question);
        assert_eq!(outcome["state"], state, "{words}: {outcome:#}");
        assert!(outcome["found"].as_str().unwrap().contains(words), "{words}: {outcome:#}");
        assert_eq!(outcome["setting"].as_str(), setting, "{outcome:#}");
        // The others stay as they are assumed, but for typing, of which nobody has told.
        for other in told["questions"].as_array().unwrap().iter().filter(|it| it["question"] != question) {
            let is_typing = other["question"] == "typing_of_managers";
            assert_eq!(other["state"], if is_typing { "open" } else { "as_assumed" }, "{question}: {other:#}");
        }
    }
    live.process.end(Signal::TERM).await;
}

#[tokio::test]
async fn a_person_is_asked_first_and_reads_what_differs() {
    let live = Live::start().await;
    live.stage.kommo.quirks(|quirks| quirks.customer_edits = Doubtful::Refused);
    let before = live.messages().len();
    let anna = ANNA.to_string();
    for (more, words) in [
        (&["--chat", &anna][..], "say --yes if they may be sent"),
        (&["--yes", "--json"], "name your chat with the bot by --chat"),
        (&["--yes", "--chat=-1001000000042"], "not a person's own chat"),
        (&["--yes", "--chat", "12345"], "write anything to @acme_sales_bot"),
    ] {
        let output = finished(self::live(&live.stage, more)).await;
        assert!(output.status.code() == Some(1) && text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
    assert_eq!(live.messages().len(), before, "nothing was sent");
    let output = finished(self::live(&live.stage, &["--yes", "--chat", &anna])).await;
    let said = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "! Edits otherwise: it refuses them. Assumed: Kommo takes edits of customers' messages, until it refuses those \
         of three.",
        "Setting: kommo.customer_edits = false",
        "✓ Same message twice as assumed: the second call is refused.",
        "? Typing of managers not known:",
        "Kommo has no way to delete them; 1 were shortened to a note",
        "you can send it to the makers of telekommo.",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(output.status.code(), Some(2), "typing is not known");
    live.process.end(Signal::TERM).await;
}

#[tokio::test]
async fn what_is_set_by_hand_is_not_tried_in_vain() {
    let stage = reachable("kommo.customer_edits = false\nkommo.status_names = \"status_code\"\n");
    stage.kommo.quirks(|it| (it.customer_edits, it.status_names) = (Doubtful::Refused, StatusNames::Newer));
    let process = Process::start(&stage, run(&stage)).await;
    let first = stage.telegram.write(SALES.token, ANNA, "hello");
    let there = |stage: &Harness| in_kommo(stage, SALES, ANNA) == ["hello"];
    stage.until("she has written", WITHIN, there).await.unwrap();
    stage.telegram.edit(SALES.token, ANNA, first, "good morning");
    let there = |stage: &Harness| in_kommo(stage, SALES, ANNA).len() == 2;
    stage.until("the edit is a message", WITHIN, there).await.unwrap();
    stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "well").await;
    let is_told = |stage: &Harness| {
        let messages = stage.kommo.chat(&conversation(SALES, ANNA)).unwrap().messages;
        messages.iter().any(|it| it.from == Author::Manager && !it.status_history.is_empty())
    };
    stage.until("the manager is told", WITHIN, is_told).await.unwrap();
    let refused: Vec<_> = stage.kommo.requests().into_iter().filter(|it| it.status == Some(400)).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    process.end(Signal::TERM).await;
}

#[tokio::test]
async fn without_a_message_of_the_channels_bot_none_of_a_manager_is_said_to_have_arrived() {
    // As a comment it is not set.
    let live = Live::with("#kommo.bot_id = \"\"\n").await;
    live.stage.telegram.block(SALES.token, ANNA, true);
    let (failed, _) = live.stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "too late").await;
    let history = |stage: &Harness| {
        let messages = stage.kommo.chat(&conversation(SALES, ANNA)).unwrap().messages;
        messages.into_iter().find(|it| it.id == failed).unwrap().status_history
    };
    let has_failed = |stage: &Harness| matches!(history(stage).as_slice(), [.., Status::Failed { .. }]);
    live.stage.until("it has failed", WITHIN, has_failed).await.unwrap();
    let before = history(&live.stage);
    let told = live.asked().await;
    assert_eq!(history(&live.stage), before, "it is not marked as arrived");
    for question in ["status_with_message", "delivery_status"] {
        assert!(of(&told, question)["found"].as_str().unwrap().contains("kommo.bot_id"), "{told:#}");
        assert_eq!(of(&told, question)["state"], "open", "{told:#}");
    }
    live.process.end(Signal::TERM).await;
}

#[tokio::test]
async fn whoever_agrees_reads_first_whose_conversation_it_is() {
    let live = Live::start().await;
    let (config, anna) = (live.stage.write_config().unwrap(), ANNA.to_string());
    let before = live.messages().len();
    let words = ["check", "--live", "--chat", &anna, "--config", config.to_str().unwrap()];
    let (code, said) = on_terminal(&words, 80, Some("no\n")).await;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("tg:sales:{ANNA} with Anna Petrova and @acme_sales_bot")), "{said}");
    assert!(code == Some(1) && said.contains("nothing was sent"), "{said}");
    assert_eq!(live.messages().len(), before);
    live.process.end(Signal::TERM).await;
}
