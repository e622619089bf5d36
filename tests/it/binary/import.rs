//! `telekommo import`: an export of Telegram Desktop, message by message into Kommo.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, Harness, LINES},
    kommo::{Author, Endpoint, Imports, Message, Rate, Status},
};

use super::{
    process::{Process, finished, telekommo, text},
    terminal,
};
use crate::support::{TestStage, conversation, eventually};

mod bridge;
mod former;
mod trouble;

const ACCOUNT: &str = r#"
kommo.account_url = "{account_url}"
kommo.access_token = "{access_token}"
"#;
/// How many messages of the export can be imported.
const ALL: usize = 13;
/// How many bot and owner the files are kept for: the bot of the first line, and the owner of the export.
const KEPT: &str = "data/imports/7000000001-555000111";

fn export() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/telegram/export")
}

/// The words of `telekommo import`.
fn words<'w>(export: &'w Path, config: &'w Path, more: &[&'w str]) -> Vec<&'w str> {
    let paths = [export, config].map(|path| path.to_str().unwrap());
    [&["import", paths[0], "--source", "sales", "--config", paths[1]], more].concat()
}

/// How an import ended, what it printed, and what it complained of.
async fn import(stage: &Harness, export: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let config = stage.write_config().unwrap();
    stage.kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
    let output = finished(telekommo(&words(export, &config, more))).await;
    let (printed, complaint) = (text(&output.stdout).to_owned(), text(&output.stderr).to_owned());
    let wide: Vec<_> = printed.lines().filter(|line| !line.starts_with("  ") && line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "too wide: {wide:#?}");
    (output.status.code(), printed, complaint)
}

/// The same for one that has to succeed; gives what it printed.
async fn done(stage: &Harness, more: &[&str]) -> String {
    let (code, printed, complaint) = import(stage, &export(), more).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{printed}");
    printed
}

fn messages(stage: &Harness, customer: i64) -> Vec<Message> {
    stage.kommo.chat(&conversation(LINES[0], customer)).map(|chat| chat.messages).unwrap_or_default()
}

fn imported(stage: &Harness) -> usize {
    messages(stage, ANNA).len() + messages(stage, BEN).len()
}

/// That everything is there once, in order.
fn assert_complete(stage: &Harness) {
    let ids = |customer| messages(stage, customer).into_iter().map(|it| it.client_msgid.unwrap()).collect::<Vec<_>>();
    let numbers = [1001, 1002, 1003, 1004, 1005, 1007, 1008, 1009, 1010, 1011, 1013];
    let id = |customer: i64, number: &i32| format!("tg:7000000001:555000111/{customer}:i{number}");
    assert_eq!(ids(ANNA), numbers.iter().map(|number| id(ANNA, number)).collect::<Vec<_>>());
    assert_eq!(ids(BEN), [2001, 2002].iter().map(|number| id(BEN, number)).collect::<Vec<_>>());
}

#[tokio::test]
async fn authors_times_replies_and_files_are_kept() {
    let stage = TestStage::start().await;
    let printed = done(&stage, &[]).await;
    assert!(printed.contains("Imported 13, there already 0, failed 0."), "{printed}");
    assert_complete(&stage);
    let anna = messages(&stage, ANNA);
    assert!(anna.iter().all(|message| message.imported));
    assert_eq!(anna.iter().map(|it| it.silent).collect::<Vec<_>>(), [[true; 10].as_slice(), &[false]].concat());
    assert_eq!(anna[0].at_ms, (1_714_557_600 + 1001 * 60) * 1000);
    assert_eq!((anna[1].from, anna[1].author_name.as_str()), (Author::Bot, "Max Keller"));
    assert_eq!(anna[1].reply_to.as_ref(), Some(&anna[0].id));
    let said: Vec<_> = anna.iter().map(|it| (it.kind.as_str(), it.text.as_str())).collect();
    assert_eq!(
        said,
        [
            ("text", "Hello! Do you have the blue one?"),
            ("text", "Yes, two are left."),
            ("picture", "This one?"),
            ("text", "[sticker: not in the export]\n👍"),
            ("voice", ""),
            ("text", "Here is the page (https://example.com/blue)."),
            ("text", "[file contract.pdf: not in the export]\nThe contract"),
            ("location", "Cafe Central\nHerrengasse 14"),
            ("contact", ""),
            ("text", "[forwarded from Blue Shop]\nTwo for one until Friday"),
            ("text", "Thank you!"),
        ]
    );
    let chat = stage.kommo.chat(&conversation(LINES[0], ANNA)).unwrap();
    assert!(chat.is_lead, "the newest message makes one lead");
    assert_eq!(chat.contact.name, "Anna Petrova");
    stage.finish().await;
}

#[tokio::test]
async fn kommo_fetches_the_files_from_the_running_bridge_when_the_export_is_gone() {
    let stage = TestStage::start().await;
    let copy = stage.dir().join("export");
    let photo = "chats/chat_01/photos/photo_1@01-05-2024_10-43-00.png";
    fs::create_dir_all(copy.join(photo).parent().unwrap()).unwrap();
    for file in ["result.json", photo] {
        fs::copy(export().join(file), copy.join(file)).unwrap();
    }
    let (code, printed, complaint) = import(&stage, &copy, &["--chat", "Anna Petrova"]).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{printed}");
    fs::remove_dir_all(copy).unwrap();
    let fetched = |stage: &Harness| messages(stage, ANNA)[2].media.clone().unwrap().fetched;
    stage.until("the picture is fetched", |stage| fetched(stage).is_some()).await;
    let fetched = fetched(&stage).unwrap();
    assert_eq!((fetched.status, fetched.content_type.as_str()), (Some(200), "image/png"));
    assert_eq!(fetched.bytes, fs::read(export().join(photo)).unwrap());
    let url = messages(&stage, ANNA)[2].media.clone().unwrap().url;
    let part = reqwest::Client::new().get(&url).header("Range", "bytes=1-3").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.headers()["Content-Range"].to_str().unwrap()), (206, "bytes 1-3/74"));
    assert_eq!(part.bytes().await.unwrap(), &b"PNG"[..]);
    let head = reqwest::Client::new().head(&url).send().await.unwrap();
    assert_eq!(head.headers()["Content-Length"], "74");
    fs::remove_dir_all(stage.dir().join(KEPT)).unwrap();
    assert_eq!(reqwest::get(url).await.unwrap().status().as_u16(), 410);
    stage.finish().await;
}

#[tokio::test]
async fn what_root_imports_belongs_to_the_bridges_user() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let mut stage = Harness::without_bridge(ACCOUNT).unwrap();
    let data = stage.dir().join("data");
    fs::create_dir_all(&data).unwrap();
    // Whoever is not root can give nothing away: then both are the same from the beginning.
    if fs::metadata(&data).unwrap().uid() == 0 {
        chown(&data, Some(4242), Some(4242)).unwrap();
        let (code, _, complaint) = import(&stage, &export(), &[]).await;
        assert!(code == Some(1) && complaint.contains("start the bridge and import then"), "{complaint}");
        assert!(!data.join("store").exists(), "nothing is left there that the bridge cannot read");
    }
    let owner = fs::metadata(&data).unwrap().uid();
    stage.kommo.manager("Max of Kommo");
    stage.start_bridge().await.unwrap();
    done(&stage, &["--manager", "Max Keller=max of kommo"]).await;
    stage.stop_bridge().await;
    let (mut folders, mut made) = (vec![data.join("imports")], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(fs::metadata(&path).unwrap().uid(), owner, "{}", path.display());
            made += 1;
            folders.extend(path.is_dir().then_some(path));
        }
    }
    assert!(made > 2, "folders and files: {made}");
}

#[tokio::test]
async fn twice_imports_nothing_twice_even_with_an_empty_store() {
    let stage = Harness::without_bridge("").unwrap();
    done(&stage, &[]).await;
    let again = done(&stage, &[]).await;
    assert!(again.contains("Imported 0, there already 13"), "{again}");
    fs::remove_dir_all(stage.dir().join("data")).unwrap();
    let again = done(&stage, &[]).await;
    assert!(again.contains("Imported 0, there already 13"), "{again}");
    assert_complete(&stage);
}

#[tokio::test]
async fn a_killed_import_goes_on_where_it_was() {
    let stage = Harness::without_bridge("").unwrap();
    let config = stage.write_config().unwrap();
    let process = Process::spawn(telekommo(&words(&export(), &config, &["--rate", "2"])));
    eventually("some messages are imported", async || imported(&stage) >= 2).await;
    process.end(Signal::KILL).await;
    assert!(imported(&stage) < ALL);
    done(&stage, &[]).await;
    assert_complete(&stage);
}

#[tokio::test]
async fn an_import_that_is_asked_to_end_says_how_to_go_on() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let stage = Harness::without_bridge("").unwrap();
        let config = stage.write_config().unwrap();
        let process = Process::spawn(telekommo(&words(&export(), &config, &["--rate", "2"])));
        eventually("some messages are imported", async || imported(&stage) >= 2).await;
        let ended = process.end(signal).await;
        assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("interrupted; run the same command again to continue"), "{}", ended.stderr);
        assert!(imported(&stage) < ALL);
        done(&stage, &[]).await;
        assert_complete(&stage);
    }
}

/// Whoever starts it by nohup wants it to outlive the terminal.
#[tokio::test]
async fn an_import_under_nohup_outlives_its_terminal() {
    let stage = Harness::without_bridge("").unwrap();
    let config = stage.write_config().unwrap();
    let mut command = tokio::process::Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_telekommo")).args(words(&export(), &config, &["--rate", "8"]));
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    let process = Process::spawn(command);
    eventually("some messages are imported", async || imported(&stage) >= 2).await;
    assert!(imported(&stage) < ALL);
    let ended = process.end(Signal::HUP).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert_complete(&stage);
}

#[tokio::test]
async fn an_answer_that_was_lost_doubles_nothing() {
    let stage = Harness::without_bridge("retry.kommo = [\"10ms\"]").unwrap();
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 2);
    stage.kommo.fault(Endpoint::Message, Fault::Garbage, 1);
    done(&stage, &[]).await;
    assert_complete(&stage);
}

#[tokio::test]
async fn a_terminal_shows_how_far_an_import_has_come() {
    let stage = Harness::without_bridge("").unwrap();
    let config = stage.write_config().unwrap();
    stage.kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
    let said = terminal::shown(&words(&export(), &config, &[]), 80).await;
    assert!(said.contains("[########################] 13/13 100%"), "{said:?}");
    assert!(said.contains("\nImported 13, there already 0, failed 0.\n"), "{said:?}");
    assert_complete(&stage);
}

#[tokio::test]
async fn a_dry_run_counts_and_sends_nothing() {
    const UNREAD: &str =
        "1 message cannot be read and is left out:\n  \"id\": 1012 in the chat Anna Petrova of the export ";
    let stage = Harness::without_bridge("").unwrap();
    let printed = done(&stage, &["--dry-run"]).await;
    for part in ["Anna Petrova", "13 messages, 4 of them", "picture", "voice message", "2 files are missing", UNREAD] {
        assert!(printed.contains(part), "{part} is missing in\n{printed}");
    }
    assert!(printed.contains("service messages 1, other chats 2."), "{printed}");
    assert!(stage.kommo.requests().is_empty());
    assert!(!stage.dir().join("data/store").exists() && !stage.dir().join(KEPT).exists());
    assert!(!printed.contains("Imported before"), "{printed}");
    done(&stage, &["--chat", "777000111"]).await;
    let printed = done(&stage, &["--dry-run"]).await;
    assert!(printed.contains("Imported before: 11; to be imported now: 2."), "{printed}");
    assert_eq!(imported(&stage), 11);
}

#[tokio::test]
async fn an_import_in_a_managers_name_never_reaches_the_customer() {
    let stage = TestStage::with(ACCOUNT).await;
    let max = stage.kommo.manager("Max of Kommo");
    stage.kommo.quirks(|quirks| quirks.imports = Imports::Echoed);
    done(&stage, &["--manager", "Max Keller=max of kommo"]).await;
    let messages = messages(&stage, BEN);
    assert_eq!((messages[1].from, &messages[1].author_id), (Author::Manager, &max));
    eventually("the hooks have come back and were ignored", async || {
        let (_, metrics) = stage.admin("/metrics").await;
        metrics.contains("telekommo_hooks_total{outcome=\"ignored\"} 4")
    })
    .await;
    assert_eq!(stage.waiting(), 0);
    assert!(stage.telegram.requests().iter().all(|request| request.method != "sendMessage"));
    stage.finish().await;
}

#[tokio::test]
async fn a_chat_that_was_only_imported_is_compared_shown_and_given_to_a_contact() {
    let mut stage = TestStage::with(ACCOUNT).await;
    stage.allow_failures();
    stage.allow_leftovers();
    let max = stage.kommo.manager("Max of Kommo");
    done(&stage, &["--manager", "Max Keller=max of kommo"]).await;
    let name = conversation(LINES[0], ANNA);
    stage.kommo.lose_hooks(true);
    let (lost, _) = stage.kommo.reply(&name, "Maria", "still there?").await;
    stage.kommo.lose_hooks(false);
    let config = stage.write_config_for_commands().unwrap();
    let command = async |words: &[&str]| {
        let output = finished(telekommo(&[words, &["--config", config.to_str().unwrap()]].concat())).await;
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{words:?}");
        text(&output.stdout).to_owned()
    };
    let said = command(&["reconcile"]).await;
    assert!(said.ends_with("Result: found 1, sent 1, too old 0.\n"), "what {max} wrote was imported: {said}");
    // It has the one end that it can have: nobody has let the bot in there.
    let Status::Failed { .. } = stage.outcome(&lost).await else { panic!("who let the bot in?") };
    let known = stage.kommo.add_card("Anna of the book", "+1555");
    let number = known.to_string();
    command(&["chats", "link", &name, &number]).await;
    let chat = stage.kommo.chat(&name).unwrap().chat_id;
    stage.until("the chat has moved", |stage| stage.kommo.card_of_chat(&chat) == Some(known)).await;
    assert!(command(&["chats", "show", &name]).await.contains("Anna of the book"));
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test]
async fn an_import_that_ends_with_an_answer_makes_a_lead_all_the_same() {
    let stage = Harness::without_bridge("").unwrap();
    done(&stage, &["--chat", "777000222"]).await;
    let ben = stage.kommo.chat(&conversation(LINES[0], BEN)).unwrap();
    assert_ne!(ben.messages[1].from, Author::Customer, "the newest is the owner's");
    assert!(ben.is_lead && ben.messages.iter().all(|message| !message.silent), "{ben:#?}");
    let anna = stage.kommo.chat(&conversation(LINES[0], ANNA));
    assert!(anna.is_none());
}
