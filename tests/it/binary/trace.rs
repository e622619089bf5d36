//! `telekommo trace`: what became of a message, hop by hop.

use std::{fs, path::Path};

use rustix::process::Signal;
use serde_json::Value;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, Harness, LINES, Line},
    kommo::{Endpoint, Status},
};

use super::process::{Process, finished, run, telekommo, text};
use crate::support::{BRISK, TestStage, WITHIN, conversation, eventually, in_kommo, in_telegram};

const SALES: Line = LINES[0];
const ACCOUNT: &str = "kommo.account_url = \"{account_url}\"\nkommo.access_token = \"{access_token}\"\n";

/// How a command ended, what it printed, and what it complained of.
async fn command(stage: &Harness, words: &[&str]) -> (Option<i32>, String, String) {
    let config = stage.write_config().unwrap();
    let output = finished(telekommo(&[words, &["--config", config.to_str().unwrap()]].concat())).await;
    (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

/// What the trace shows of it.
async fn trace(stage: &Harness, what: &str) -> String {
    let (code, printed, complaint) = command(stage, &["trace", what]).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{what}: {printed}");
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    printed
}

/// The hops of it, for programs.
async fn hops(stage: &Harness, what: &str) -> Vec<Value> {
    serde_json::from_str(&command(stage, &["trace", what, "--json"]).await.1).unwrap_or_default()
}

/// What happened, in order.
async fn events(stage: &Harness, what: &str) -> Vec<String> {
    let hops = hops(stage, what).await;
    hops.iter().map(|hop| hop["event"].as_str().unwrap().to_owned()).collect()
}

/// All that the files of the trace hold.
fn files(stage: &Harness) -> String {
    let Ok(folder) = fs::read_dir(stage.dir().join("data/trace")) else { return String::new() };
    folder.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_and_its_answer_are_followed_there_and_back_by_any_of_their_ids() {
    let mut stage = TestStage::with(ACCOUNT).await;
    stage.begin(SALES, ANNA).await;
    stage.begin(SALES, BEN).await;
    let number = stage.telegram.write(SALES.token, ANNA, "a secret of Anna's");
    stage.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    let answer = stage.reply(SALES, ANNA, "an answer of Maria's").await;
    assert_eq!(stage.outcome(&answer).await, Status::Delivered);
    stage.telegram.share_number(SALES.token, ANNA);
    stage.until_settled().await;

    let anna = conversation(SALES, ANNA);
    let of_message = format!("{anna}:{number}");
    let came = ["received", "claimed", "done"];
    assert_eq!(events(&stage, &of_message).await, came);
    let there = hops(&stage, &of_message).await;
    assert!(there[0]["by"] == "telegram" && there[0]["kind"] == "message" && there[1]["attempt"] == 1, "{there:?}");
    let (ours, kommo, job) = (&there[0]["messages"][0], &there[2]["other_side"][0], &there[0]["job"]);
    for id in [ours.as_str().unwrap(), kommo.as_str().unwrap(), &job.to_string()] {
        assert_eq!(hops(&stage, id).await, there, "{id}");
    }

    let back = ["received", "claimed", "unfolded", "claimed", "done", "claimed", "done"];
    assert_eq!(events(&stage, &answer).await, back);
    let shown = trace(&stage, &answer).await;
    for part in [
        &format!("Message {answer} of {anna}\n"),
        "  received by Kommo's hook and stored, job ",
        "  became 1 call\n",
        "  try 1 of the call, job ",
        "  delivered to Telegram as tg:",
        "  Kommo was told: delivered\n",
    ] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    let in_telegram = hops(&stage, &answer).await[4]["other_side"][0].as_str().unwrap().to_owned();
    assert_eq!(events(&stage, &in_telegram).await, back);

    // All of a conversation, by whatever names it, and nothing of another one. What is done with the number takes
    // longer.
    eventually("the contact has the number", async || trace(&stage, &anna).await.contains("Kommo has accepted it"))
        .await;
    let all = trace(&stage, &anna).await;
    let chat = stage.kommo.chat(&anna).unwrap().chat_id;
    let phone = stage.store().number_of(telekommo::domain::address::UserId(ANNA)).unwrap().unwrap().phone;
    let lead = stage.kommo.leads().into_iter().find(|lead| Some(lead.contact) == stage.kommo.card_of_chat(&chat));
    let lead = format!("https://example.kommo.com/leads/detail/{}", lead.unwrap().id);
    for what in [&chat, &format!("+{phone}"), &phone, &lead] {
        assert_eq!(trace(&stage, what).await, all, "{what}");
    }
    assert!(all.contains(&answer) && all.contains(kommo.as_str().unwrap()) && !all.contains(&BEN.to_string()), "{all}");
    let written = files(&stage);
    for hidden in ["secret", "Maria", "Anna", "Petrova", phone.as_str(), SALES.token] {
        assert!(!written.contains(hidden), "{hidden} is in the trace");
    }

    stage.stop_bridge().await;
    let (code, printed, complaint) = command(&stage, &["trace", &anna]).await;
    assert_eq!((code, complaint.as_str()), (Some(0), "No bridge runs. This is what its store says.\n"));
    assert_eq!(printed, all);
    stage.start_bridge().await.unwrap();
    let (code, printed, _) = command(&stage, &["chats", "forget", &anna]).await;
    assert!(code == Some(0) && printed.contains("is erased"), "{printed}");
    assert!(!files(&stage).contains(&ANNA.to_string()) && files(&stage).contains(&BEN.to_string()));
    let (code, _, complaint) = command(&stage, &["trace", &anna]).await;
    assert!(
        code == Some(1) && complaint.contains("the trace has nothing of tg:sales:777000111: it begins "),
        "{complaint}"
    );
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_parked_and_sent_after_all_is_one_story() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.block(SALES.token, ANNA, true);
    let answer = stage.reply(SALES, ANNA, "are you there?").await;
    assert!(matches!(stage.outcome(&answer).await, Status::Failed { code: 901, .. }));
    let parked = stage.parked(1).await[0].id.0.to_string();
    let shown = trace(&stage, &parked).await;
    for part in
        [&format!("  parked as {parked}: "), "; the manager reads failure 901", "  Kommo was told: failed (901)\n"]
    {
        assert!(
            shown.split_whitespace().collect::<Vec<_>>().join(" ").contains(part.trim()),
            "{part} is missing in\n{shown}"
        );
    }
    let (_, advice, _) = command(&stage, &["queue", "show", &parked]).await;
    assert!(advice.split_whitespace().collect::<Vec<_>>().join(" ").contains(&format!("`telekommo trace {parked}`")));

    stage.telegram.block(SALES.token, ANNA, false);
    assert_eq!(command(&stage, &["queue", "retry", &parked]).await.0, Some(0));
    stage.until_settled().await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["are you there?"]);
    let story = events(&stage, &answer).await;
    let refused = ["received", "claimed", "unfolded", "claimed", "parked"].map(str::to_owned);
    assert!(story.starts_with(&refused), "{story:?}");
    assert!(story.iter().any(|event| event == "operator_retried"), "{story:?}");
    assert_eq!(story.iter().filter(|event| *event == "done").count(), 3, "told of the failure, sent, told: {story:?}");
    stage.finish().await;
}

/// The bridge is killed while Kommo is away: what was told before is there, and the next run goes on in the same files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_and_a_kill_are_in_it_and_break_nothing() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    stage.telegram.write(SALES.token, ANNA, "/start");
    stage.until("it is in Kommo", WITHIN, |stage| in_kommo(stage, SALES, ANNA).len() == 1).await.unwrap();
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 500, body: "no".to_owned() }, u32::MAX);
    let number = stage.telegram.write(SALES.token, ANNA, "in the outage");
    let what = format!("{}:{number}", conversation(SALES, ANNA));
    eventually("a failure is traced", async || events(&stage, &what).await.contains(&"retried".to_owned())).await;
    assert_eq!(process.end(Signal::KILL).await.status.code(), None);
    // Whatever the kill has left of a line is passed over.
    let last = last_file(&stage.dir().join("data/trace"));
    fs::write(&last, fs::read_to_string(&last).unwrap() + "{\"at\":17").unwrap();
    stage.kommo.heal();

    let process = Process::start(&stage, run(&stage)).await;
    stage.until("it is in Kommo", WITHIN, |stage| in_kommo(stage, SALES, ANNA).len() == 2).await.unwrap();
    eventually("its delivery is traced", async || events(&stage, &what).await.contains(&"done".to_owned())).await;
    let story = hops(&stage, &what).await;
    let failed = story.iter().find(|hop| hop["event"] == "retried").unwrap();
    assert!(failed["why"].as_str().unwrap().contains("500") && failed["wait_ms"].is_u64(), "{failed}");
    assert_eq!(story[0]["event"], "received");
    let job = &story[0]["job"];
    assert!(story.iter().all(|hop| &hop["job"] == job), "one job, before the kill and after it: {story:?}");
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

fn last_file(folder: &Path) -> std::path::PathBuf {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).max().unwrap()
}

#[tokio::test]
async fn switched_off_it_says_so_and_broken_it_costs_no_message() {
    let stage = TestStage::with("trace.keep = \"0s\"\n").await;
    stage.begin(SALES, ANNA).await;
    let (code, printed, complaint) = command(&stage, &["trace", "tg:sales:777000111"]).await;
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(complaint.contains("there is no trace: `trace.keep` is \"0s\""), "{complaint}");
    assert!(!stage.dir().join("data/trace").exists());
    stage.finish().await;

    let stage = Harness::without_bridge(BRISK).unwrap();
    fs::create_dir(stage.dir().join("data")).unwrap();
    fs::write(stage.dir().join("data/trace"), "no folder").unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    for message in ["/start", "hello"] {
        stage.telegram.write(SALES.token, ANNA, message);
    }
    stage.until("both are in Kommo", WITHIN, |stage| in_kommo(stage, SALES, ANNA).len() == 2).await.unwrap();
    process.logged("the trace cannot be written").await;
    let (code, _, complaint) = command(&stage, &["trace", "tg:sales:777000111"]).await;
    assert!(code == Some(1) && complaint.contains("the trace cannot be read"), "{complaint}");
    let ended = process.end(Signal::TERM).await;
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(ended.stderr.matches("the trace cannot be written").count(), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn what_names_no_message_is_refused() {
    let stage = TestStage::start().await;
    for what in ["Anna", "tg:sales", "https://example.kommo.com/contacts/detail/1"] {
        let (code, printed, complaint) = command(&stage, &["trace", what]).await;
        assert_eq!((code, printed.as_str()), (Some(1), ""), "{what}");
        assert!(complaint.contains("is neither the id of a message"), "{complaint}");
    }
    let (code, _, complaint) = command(&stage, &["trace", "https://example.kommo.com/leads/detail/1"]).await;
    assert!(code == Some(1) && complaint.contains("kommo.access_token"), "{complaint}");
    assert_eq!(command(&stage, &["trace", "4711", "--json"]).await.1, "[]\n");
    stage.finish().await;
}
