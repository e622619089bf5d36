//! What the store has of a customer, printed and erased.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use serde_json::Value;
use telekommo::sandbox::{
    harness::{ANNA, BEN, Harness, LINES, Line},
    telegram::{GroupKind, NewGroup},
};

use super::process::{Process, finished, run, text, with_config};
use crate::support::{BRISK, TestStage, WITHIN, conversation, eventually, in_kommo, in_telegram};

const SALES: Line = LINES[0];
const TEAM: i64 = -424_242_424;
const BIG_TEAM: i64 = -1_000_000_000_042;

async fn command(stage: &Harness, name: &str, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = with_config(name, &stage.dir().join("config.toml"));
    command.args(words);
    let output = finished(command).await;
    (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

/// All that the store has, as text: a dump writes keys in hex.
async fn all_in_store(stage: &Harness) -> String {
    let file = stage.dir().join("backup.jsonl");
    let (code, _, complaint) = command(stage, "backup", &[file.to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{complaint}");
    let rows = fs::read_to_string(Path::new(&file)).unwrap();
    rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap()).map(|row| readable(&row)).collect()
}

fn readable(row: &Value) -> String {
    let hex = row["k"].as_str().unwrap_or_default();
    let bytes = (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap());
    format!("{} {row}\n", String::from_utf8_lossy(&bytes.collect::<Vec<_>>()))
}

#[tokio::test]
async fn who_is_erased_leaves_nothing_behind_and_what_waited_is_never_sent() {
    let stage = Harness::without_bridge(&format!("{BRISK}log.level = \"debug\"\n")).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    for customer in [ANNA, BEN] {
        stage.telegram.write(SALES.token, customer, "first");
        stage.until("it is in Kommo", WITHIN, |stage| in_kommo(stage, SALES, customer) == ["first"]).await.unwrap();
        stage.kommo.reply(&conversation(SALES, customer), "Maria", "answer").await;
        let is_there = |stage: &Harness| in_telegram(stage, SALES, customer) == ["answer"];
        stage.until("it is answered", WITHIN, is_there).await.unwrap();
    }
    stage.kommo.down(true).unwrap();
    for customer in [ANNA, BEN] {
        stage.telegram.write(SALES.token, customer, "waiting");
    }
    process.logged("failed, retrying").await;
    let name = conversation(SALES, ANNA);
    let is_stored = |stage: &Harness| stage.telegram.pending(SALES.token) == 0;
    stage.until("both are stored", WITHIN, is_stored).await.unwrap();
    let before = all_in_store(&stage).await;
    assert!(before.contains(&ANNA.to_string()) && before.contains("Petrova"), "{before}");

    let (code, printed, complaint) = command(&stage, "forget", &[&name]).await;
    assert_eq!(code, Some(0), "{complaint}");
    let words = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("1 waiting message; 0 parked messages; the ids of "), "{printed}");
    assert!(words.contains("what is in Kommo and in Telegram: delete it there"), "{printed}");
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    let after = all_in_store(&stage).await;
    assert!(!after.contains(&ANNA.to_string()) && !after.contains("Petrova"), "{after}");
    assert!(after.contains(&BEN.to_string()) && after.contains("Okafor"), "nobody else is forgotten: {after}");
    let segments = fs::read_dir(stage.dir().join("data/trace")).unwrap();
    let trace: String = segments.map(|segment| fs::read_to_string(segment.unwrap().path()).unwrap()).collect();
    assert!(!trace.contains(&ANNA.to_string()) && trace.contains(&BEN.to_string()), "{trace}");
    let (code, _, complaint) = command(&stage, "forget", &[&name]).await;
    assert!(code == Some(1) && complaint.contains("the store has nothing of this conversation"), "{complaint}");

    stage.kommo.down(false).unwrap();
    let ben = |stage: &Harness| in_kommo(stage, SALES, BEN) == ["first", "waiting"];
    stage.until("what Ben wrote is in Kommo", WITHIN, ben).await.unwrap();
    stage.telegram.write(SALES.token, ANNA, "again");
    let anna = |stage: &Harness| in_kommo(stage, SALES, ANNA) == ["first", "again"];
    stage.until("who writes again is heard again", WITHIN, anna).await.unwrap();
    stage.kommo.reply(&name, "Maria", "welcome back").await;
    let is_there = |stage: &Harness| in_telegram(stage, SALES, ANNA) == ["answer", "welcome back"];
    stage.until("and answered, once", WITHIN, is_there).await.unwrap();
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

#[tokio::test]
async fn conversations_are_exported_a_line_for_each_message() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    for customer in [ANNA, BEN] {
        for number in 0..60 {
            stage.telegram.write(SALES.token, customer, &format!("message {number}"));
        }
        stage.until("all is in Kommo", WITHIN, |stage| in_kommo(stage, SALES, customer).len() == 60).await.unwrap();
    }
    let lines = |printed: &str| printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    let (code, printed, complaint) = command(&stage, "export", &[]).await;
    assert_eq!(code, Some(0), "{complaint}");
    let all = lines(&printed);
    assert_eq!(all.len(), 120, "{printed}");
    let of_ben = conversation(SALES, BEN);
    let texts: Vec<_> =
        all.iter().filter(|line| line["conversation"] == of_ben.as_str()).map(|line| line["text"].clone()).collect();
    assert_eq!(texts, (0..60).map(|number| Value::from(format!("message {number}"))).collect::<Vec<_>>());
    assert_eq!(
        all[0]["chat"].as_str().unwrap(),
        stage.kommo.chat(all[0]["conversation"].as_str().unwrap()).unwrap().chat_id
    );
    let (code, printed, complaint) = command(&stage, "export", &[&of_ben]).await;
    assert_eq!((code, lines(&printed).len()), (Some(0), 60), "{complaint}");
    let (code, _, complaint) = command(&stage, "export", &["tg:sales:5"]).await;
    assert!(code == Some(1) && complaint.contains("no chat of Kommo's is known for tg:sales:5"), "{complaint}");
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

/// A stage with what waits for a group under its second number, and what is parked of it. The file is the commands'
/// configuration.
async fn with_moved_group() -> (TestStage, PathBuf) {
    let mut stage = TestStage::with("telegram.groups = \"relay\"\nretry.kommo = [\"1h\"]\n").await;
    stage.allow_failures();
    let config = stage.write_config_for_commands().unwrap();
    stage.telegram.set_reads_all(SALES.token, true);
    let group = NewGroup { id: TEAM, kind: GroupKind::Group, title: "Team".to_owned(), members: vec![ANNA, BEN] };
    stage.telegram.add_group(SALES.token, group);
    stage.telegram.write_in_group(SALES.token, TEAM, ANNA, "before");
    stage.until("it is in Kommo", |stage| in_kommo(stage, SALES, TEAM).len() == 1).await;
    stage.telegram.migrate(SALES.token, TEAM, BIG_TEAM);
    stage.telegram.write_in_group(SALES.token, BIG_TEAM, BEN, "after");
    stage.until("so is what came later", |stage| in_kommo(stage, SALES, TEAM).len() == 2).await;
    stage.until_settled().await;
    stage.kommo.down(true).unwrap();
    stage.telegram.write_in_group(SALES.token, BIG_TEAM, BEN, "parked");
    eventually("it waits", async || stage.waiting() == 1).await;
    let lanes = stage.store().waiting_lanes(None, 9, |_| true, |_| true).await.unwrap();
    eventually("it is parked", async || {
        let parked = stage.store().park_waiting(lanes[0].id, "a test", telekommo::clock::now()).await;
        parked.unwrap().is_ok()
    })
    .await;
    stage.telegram.write_in_group(SALES.token, BIG_TEAM, BEN, "waiting");
    eventually("that waits as well", async || stage.waiting() == 1).await;
    (stage, config)
}

/// All that the running bridge's store has.
fn dumped(stage: &TestStage) -> String {
    let file = stage.dir().join("dump.jsonl");
    stage.store().dump(&file, telekommo::clock::now()).unwrap();
    let rows = fs::read_to_string(&file).unwrap();
    rows.lines().map(|row| readable(&serde_json::from_str(row).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_erased_under_both_its_numbers_by_either_of_them() {
    for number in [TEAM, BIG_TEAM] {
        let (stage, config) = with_moved_group().await;
        let before = dumped(&stage);
        assert!(before.contains(&TEAM.to_string()) && before.contains(&BIG_TEAM.to_string()), "{before}");
        let mut command = with_config("forget", &config);
        command.arg(conversation(SALES, number));
        let output = finished(command).await;
        let printed = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(printed.contains("1 waiting message; 1 parked message;"), "{printed}");
        let after = dumped(&stage);
        assert!(!after.contains(&TEAM.to_string()) && !after.contains(&BIG_TEAM.to_string()), "{after}");
        stage.kommo.down(false).unwrap();
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_was_cut_short_is_brought_to_its_end_by_the_next_start() {
    let (mut stage, _) = with_moved_group().await;
    stage.telegram.write(SALES.token, ANNA, "mine");
    eventually("both wait", async || stage.waiting() == 2).await;
    // The crash: it is noted, and one number's rows are gone.
    let all = [TEAM, BIG_TEAM].map(|number| conversation(SALES, number).parse().unwrap());
    stage.store().begin_erasing(all.to_vec()).await.unwrap();
    stage.store().erase(telekommo::domain::address::ContactId::Group(TEAM)).await.unwrap();
    stage.stop_bridge().await;
    stage.kommo.down(false).unwrap();
    stage.start_bridge().await.unwrap();
    stage.until("others are served", |stage| in_kommo(stage, SALES, ANNA) == ["mine"]).await;
    stage.until_settled().await;
    assert_eq!(in_kommo(&stage, SALES, TEAM).len(), 2, "nothing of it is relayed");
    let after = dumped(&stage);
    assert!(!after.contains(&TEAM.to_string()) && !after.contains(&BIG_TEAM.to_string()), "{after}");
    assert!(stage.store().erasing().unwrap().is_empty());
    stage.finish().await;
}
