//! What the store has of a customer, printed and erased.

use std::{fs, path::Path};

use rustix::process::Signal;
use serde_json::Value;
use telekommo::sandbox::harness::{ANNA, BEN, Harness, LINES, Line};

use super::process::{Process, finished, run, text, with_config};
use crate::support::{BRISK, WITHIN, conversation, in_kommo, in_telegram};

const SALES: Line = LINES[0];

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
    process.logged("tried again").await;
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
