//! A changed configuration, while the bridge runs.

use std::{fs, path::PathBuf};

use rustix::process::Signal;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, Harness, LINES, Line, unused_address},
    telegram::{NewBot, Target},
};

use super::process::{Process, finished, run, text, with_config};
use crate::support::{BRISK, WITHIN, conversation};

const SALES: Line = LINES[0];
const SUPPORT: Line = LINES[1];

/// A bridge whose configuration changes.
struct Changing {
    stage: Harness,
    process: Process,
    file: PathBuf,
    /// The configuration with both sources.
    whole: String,
}

impl Changing {
    /// Starts one without the second source.
    async fn start(settings: &str) -> Self {
        let stage = Harness::without_bridge(&format!("{BRISK}{settings}")).unwrap();
        let command = run(&stage);
        let file = stage.dir().join("config.toml");
        let whole = fs::read_to_string(&file).unwrap();
        fs::write(&file, without_support(&whole)).unwrap();
        let process = Process::start(&stage, command).await;
        Self { stage, process, file, whole }
    }

    /// What the command says of a configuration with this text.
    async fn reload(&self, config: &str) -> String {
        fs::write(&self.file, config).unwrap();
        let output = finished(with_config("reload", &self.file)).await;
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), self.process.stderr());
        text(&output.stdout).to_owned()
    }

    async fn arrives(&self, line: Line, said: &str) {
        self.arrives_by(line.token, line, said).await;
    }

    async fn arrives_by(&self, token: &str, line: Line, said: &str) {
        self.stage.telegram.write(token, ANNA, said);
        self.is_in_kommo(line, said).await;
    }

    async fn is_in_kommo(&self, line: Line, said: &str) {
        let is_there = |stage: &Harness| {
            let chat = stage.kommo.chat(&conversation(line, ANNA));
            chat.is_some_and(|chat| chat.messages.iter().any(|message| message.text == said))
        };
        self.stage.until("the message is in Kommo", WITHIN, is_there).await.unwrap();
    }

    async fn answer_is_there(&self, line: Line, said: &str) {
        let is_there = |stage: &Harness| stage.telegram.messages(line.token, ANNA).iter().any(|it| it.text == said);
        self.stage.until("the answer is at the customer's", WITHIN, is_there).await.unwrap();
    }

    async fn end(self) {
        let ended = self.process.end(Signal::TERM).await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    }
}

fn without_support(config: &str) -> String {
    config.split("[sources.support]").next().unwrap().to_owned()
}

#[tokio::test]
async fn a_bot_comes_and_goes_while_the_others_go_on() {
    let bridge = Changing::start("").await;
    bridge.arrives(SALES, "before").await;
    let polls = |stage: &Harness| stage.telegram.poll_count(SALES.token);
    let is_confirmed = |stage: &Harness| stage.telegram.confirmed_up_to(SALES.token).is_some();
    bridge.stage.until("the next poll is held", WITHIN, is_confirmed).await.unwrap();
    let before = polls(&bridge.stage);

    assert_eq!(bridge.reload(&without_support(&bridge.whole)).await, "Nothing has changed.\n");
    assert_eq!(bridge.reload(&bridge.whole).await, "Added: support\n");
    bridge.arrives(SUPPORT, "new here").await;
    let (_, answer) = bridge.stage.kommo.reply(&conversation(SUPPORT, ANNA), "Maria", "welcome").await;
    assert_eq!(answer.status, Some(200));
    bridge.answer_is_there(SUPPORT, "welcome").await;
    assert_eq!(polls(&bridge.stage), before, "the poll of the other bot is the same");

    // What waits stays, and what has not been taken is not confirmed.
    bridge.stage.telegram.fault(Target::bot(SUPPORT.token), Fault::Page { code: 502 }, u32::MAX);
    let (_, answer) = bridge.stage.kommo.reply(&conversation(SUPPORT, ANNA), "Maria", "later").await;
    assert_eq!(answer.status, Some(200));
    let said = bridge.reload(&without_support(&bridge.whole)).await;
    assert!(said.starts_with("Removed: support\n1 job for customers of support stay in the store."), "{said}");
    bridge.stage.telegram.heal();
    let polled = bridge.stage.telegram.poll_count(SUPPORT.token);
    bridge.stage.telegram.write(SUPPORT.token, ANNA, "anybody?");
    bridge.arrives(SALES, "after").await;
    let (count, pending) =
        (bridge.stage.telegram.poll_count(SUPPORT.token), bridge.stage.telegram.pending(SUPPORT.token));
    assert_eq!((count, pending), (polled, 1), "nobody polls it");
    assert!(!bridge.stage.telegram.messages(SUPPORT.token, ANNA).iter().any(|it| it.text == "later"));

    assert_eq!(bridge.reload(&bridge.whole).await, "Added: support\n");
    bridge.is_in_kommo(SUPPORT, "anybody?").await;
    bridge.answer_is_there(SUPPORT, "later").await;
    bridge.end().await;
}

#[tokio::test]
async fn a_source_gets_another_bot() {
    let bridge = Changing::start("").await;
    bridge.arrives(SALES, "to the old one").await;
    let token = "7000000009:SANDBOX-other-bot";
    bridge.stage.telegram.add_bot(NewBot {
        token: token.to_owned(),
        username: "acme_other_bot".to_owned(),
        name: "Other".to_owned(),
    });
    let config = without_support(&bridge.whole).replace(SALES.token, token);
    assert_eq!(bridge.reload(&config).await, "Changed: sales (token)\n");
    bridge.arrives_by(token, SALES, "to the new one").await;
    bridge.stage.telegram.write(SALES.token, ANNA, "nobody hears this");
    bridge.arrives_by(token, SALES, "and more").await;
    assert_eq!(bridge.stage.telegram.pending(SALES.token), 1, "the old one is left alone");
    bridge.end().await;
}

#[tokio::test]
async fn two_sources_change_their_bots() {
    let bridge = Changing::start("").await;
    bridge.reload(&bridge.whole).await;
    bridge.arrives(SALES, "before").await;
    let spare = "7000000009:SANDBOX-other-bot";
    let one = bridge.whole.replace(SALES.token, spare);
    let swapped = one.replace(SUPPORT.token, SALES.token).replace(spare, SUPPORT.token);
    assert_eq!(bridge.reload(&swapped).await, "Changed: sales (token), support (token)\n");
    bridge.arrives_by(SUPPORT.token, SALES, "by the other bot").await;
    bridge.arrives_by(SALES.token, SUPPORT, "by the first bot").await;
    let said = bridge.process.stderr();
    assert!(!said.contains("another program"), "no two of them have polled one bot at once: {said}");
    bridge.end().await;
}

#[tokio::test]
async fn a_configuration_that_breaks_leaves_the_one_before_in_force() {
    let bridge = Changing::start("").await;
    for (config, why) in [
        ("[server", "config.toml"),
        (&*bridge.whole.replace(SUPPORT.token, "no token"), "sources.support.token"),
        (&*bridge.whole.replace(SUPPORT.token, SALES.token), "sources"),
    ] {
        fs::write(&bridge.file, config).unwrap();
        let output = finished(with_config("reload", &bridge.file)).await;
        let complaint = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{complaint}");
        let goes_on = "The running bridge goes on with the configuration that it has.";
        assert!(complaint.contains(why) && complaint.contains(goes_on), "{complaint}");
        let before = bridge.process.stderr().matches("the previous one stays in force").count();
        bridge.process.signal(Signal::HUP);
        let is_told = |log: &str| log.matches("the previous one stays in force").count() > before;
        bridge.process.logs_until("that it is broken", is_told).await;
    }
    bridge.arrives(SALES, "still there?").await;
    assert_eq!(bridge.stage.telegram.poll_count(SUPPORT.token), 0);
    bridge.end().await;
}

#[tokio::test]
async fn what_needs_a_restart_is_named_until_it_was_restarted_and_the_rest_is_in_force() {
    let bridge = Changing::start("telegram.ask_phone = \"on_start\"\n").await;
    let base = without_support(&bridge.whole);
    let more = "phone_texts.en.ask = \"Your number, please?\"\nlog.level = \"debug\"\nstore.links_for = \"80d\"\n";
    let changed = format!("{more}{base}");
    let needs = "Needs a restart: store.links_for\n";
    let said = bridge.reload(&changed).await;
    assert_eq!(said, format!("In force: log.level, phone_texts.en\n{needs}"));
    bridge.stage.telegram.write(SALES.token, ANNA, "/start");
    bridge.answer_is_there(SALES, "Your number, please?").await;
    bridge.process.logged("\"DEBUG\"").await;
    assert_eq!(bridge.reload(&changed).await, needs, "it is not in force yet");
    assert_eq!(bridge.reload(&base).await, "In force: log.level, phone_texts.en\n");
    bridge.end().await;
}

#[tokio::test]
async fn programs_read_what_has_changed_and_nobody_is_asked_where_nobody_runs() {
    let bridge = Changing::start("").await;
    fs::write(&bridge.file, &bridge.whole).unwrap();
    let mut command = with_config("reload", &bridge.file);
    command.arg("--json");
    let output = finished(command).await;
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["added"], serde_json::json!(["support"]), "{told}");
    let file = bridge.file.clone();
    let stage = {
        let Changing { stage, process, .. } = bridge;
        assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
        stage
    };
    let output = finished(with_config("reload", &file)).await;
    let complaint = text(&output.stderr);
    assert!(output.status.code() == Some(1) && complaint.contains("no bridge runs"), "{complaint}");
    drop(stage);
}

#[tokio::test]
async fn the_first_program_comes_and_goes() {
    let at = unused_address();
    let bridge = Changing::start(&format!("gateway.listen = \"{at}\"\n")).await;
    let secret = "7000000001:the_secret_of_the_shop_alone";
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let me = async || {
        let answer = client.get(format!("http://{at}/bot{secret}/getMe")).send().await.ok()?;
        Some(answer.status().as_u16())
    };
    assert_eq!(me().await, None, "nobody listens without a program");
    let alone = without_support(&bridge.whole);
    let program = format!("{alone}\n[programs.shop]\nsource = \"sales\"\nsecret = \"{secret}\"\n");
    bridge.reload(&program).await;
    assert_eq!(me().await, Some(200));
    bridge.reload(&alone).await;
    assert_eq!(me().await, Some(401));
    bridge.reload(&program).await;
    assert_eq!(me().await, Some(200));
    bridge.end().await;
}
