//! `telekommo init`: from nothing to a message that crosses, by answers of a file and by a person.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use telekommo::{
    config::{Config, Environment},
    domain::address::SourceId,
    sandbox::harness::{ANNA, Harness, LINES, Line, unused_address},
};

use super::process::{Process, finished, telekommo, text, with_config};
use crate::support::{WITHIN, conversation, in_kommo};

mod dialogue;

const SALES: Line = LINES[0];

/// A change of the lines.
type Change<'a> = &'a dyn Fn(&mut Vec<String>);

/// What telekommo would know by itself in the real world: where Telegram and Kommo are. The rest is asked for.
fn begin(stage: &Harness) -> PathBuf {
    let (listen, admin) = (unused_address(), unused_address());
    let file = stage.dir().join("made/config.toml");
    fs::create_dir(file.parent().unwrap()).unwrap();
    let text = format!(
        "# where the fakes are\ndata_dir = {:?}\n\n[server]\nlisten = \"{listen}\"\npublic_url = \
         \"http://{listen}\"\n\n[admin]\nlisten = \"{admin}\"\n\n[telegram]\napi_url = {:?}\nproxy = \
         \"none\"\npoll_timeout = \"1s\"\n\n[kommo]\nchats_url = {:?}\nproxy = \"none\"\n",
        stage.dir().join("data").display().to_string(),
        stage.telegram.url(),
        stage.kommo.url(),
    );
    fs::write(&file, text).unwrap();
    file
}

/// All answers, as the lines of a file.
fn answers(stage: &Harness) -> Vec<String> {
    let settings = stage.kommo.settings();
    let of = |key: &str, value: &str| format!("{key} = {value:?}");
    vec![
        of("account_url", &stage.kommo.account_url()),
        of("access_token", &stage.kommo.access_token()),
        of("channel_id", &settings.channel_id),
        of("channel_secret", &settings.channel_secret),
        of("origin_code", "amo.ext.12345"),
        of("bot_id", &settings.bot_id),
        "[bots.sales]".to_owned(),
        of("token", SALES.token),
        of("name", SALES.name),
    ]
}

/// How `init` ends with these answers, and what it says on stderr, in one line.
async fn init(stage: &Harness, config: &Path, lines: &[String], mode: u32) -> (Option<i32>, String) {
    let file = stage.dir().join("answers.toml");
    fs::write(&file, lines.join("\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    let mut command = with_config("init", config);
    command.args(["--answers", file.to_str().unwrap()]);
    let output = finished(command).await;
    (output.status.code(), text(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" "))
}

fn load(config: &Path) -> Config {
    Config::load(Some(config), &Environment::default()).unwrap()
}

/// A bridge with the configuration that was made, to which Kommo sends its hooks.
async fn start(stage: &Harness, config: &Path) -> Process {
    let mut command = with_config("run", config);
    command.env("TELEKOMMO_LOG__FORMAT", "json");
    Process::start(stage, command).await
}

#[tokio::test]
async fn answers_of_a_file_make_a_bridge_that_works() {
    let stage = Harness::without_bridge("").unwrap();
    stage.kommo.set_connected(false);
    let config = begin(&stage);
    let (code, said) = init(&stage, &config, &answers(&stage), 0o600).await;
    assert_eq!(code, Some(0), "{said}");
    for words in [
        "the bot of source sales is @acme_sales_bot",
        "it leads to this telekommo",
        "Acme (28805383)",
        "The configuration is complete",
        "telekommo check --message",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(stage.kommo.is_connected());
    let written = fs::read_to_string(&config).unwrap();
    assert!(written.starts_with("# where the fakes are\n"), "{written}");
    assert!(!written.contains(SALES.token) && !written.contains(&stage.kommo.settings().channel_secret));
    let made = load(&config);
    assert_eq!(made.sources[&SourceId::parse("sales").unwrap()].token.expose(), SALES.token);
    assert_eq!(made.warnings, [""; 0]);
    let files = fs::read_dir(config.parent().unwrap()).unwrap().map(|entry| entry.unwrap());
    let mut names = Vec::new();
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600, "{file:?}");
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["access-token", "channel-secret", "config.toml", "token-sales"]);

    // Once more: it keeps what is there.
    let (code, said) = init(&stage, &config, &[], 0o600).await;
    assert_eq!((code, fs::read_to_string(&config).unwrap()), (Some(0), written), "{said}");

    let process = start(&stage, &config).await;
    stage.telegram.write(SALES.token, ANNA, "hello");
    let there = |stage: &Harness| in_kommo(stage, SALES, ANNA) == ["hello"];
    stage.until("the message is in Kommo", WITHIN, there).await.unwrap();
    process.end(Signal::TERM).await;
}

#[tokio::test]
async fn an_answer_that_does_not_work_or_is_missing_is_named() {
    let change = |from: &'static str, to: &'static str| {
        move |lines: &mut Vec<String>| {
            let line = lines.iter_mut().find(|line| line.starts_with(from)).unwrap();
            to.clone_into(line);
        }
    };
    let cases: [(Change, &str); 8] = [
        (&change("token", "token = \"7000000001:SANDBOX-other\""), "the bot of source sales: Telegram does not accept"),
        (&change("token", "token = \"nonsense\""), "the token of a bot: what was given is not a bot token"),
        (
            &change("channel_secret", "channel_secret = \"ffffffffffffffffffffffffffffffffffffffff\""),
            "kommo.channel_secret",
        ),
        (&change("channel_id", "channel_id = \"11111111-2222-4333-8444-555555555555\""), "it knows no such channel"),
        (&change("access_token", "access_token = \"nonsense\""), "the account does not answer"),
        (&change("channel_secret", ""), "the answers lack channel_secret"),
        (&change("origin_code", "orgin_code = \"x\""), "unknown field `orgin_code`"),
        (&change("channel_id", ""), "run `telekommo init` again when Kommo's support has answered"),
    ];
    for (change, words) in cases {
        let stage = Harness::without_bridge("").unwrap();
        let config = begin(&stage);
        let mut lines = answers(&stage);
        change(&mut lines);
        let (code, said) = init(&stage, &config, &lines, 0o600).await;
        let is_early_end = words.starts_with("run ");
        assert!(code == Some(i32::from(!is_early_end)) && said.contains(words), "{words}: {code:?} {said}");
        // What was right before it is kept.
        if words.contains("channel") {
            assert!(fs::read_to_string(&config).unwrap().contains("access_token_file"), "{words}");
        }
    }
}

#[tokio::test]
async fn answers_that_others_can_read_and_a_start_without_anybody_are_refused() {
    let stage = Harness::without_bridge("").unwrap();
    let config = begin(&stage);
    fs::set_permissions(stage.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    let (code, said) = init(&stage, &config, &answers(&stage), 0o644).await;
    assert!(code == Some(1) && said.contains("answers.toml holds secrets") && said.contains("chmod 600"), "{said}");
    let output = finished(telekommo(&["init", "--config", config.to_str().unwrap()])).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--answers FILE"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn the_unit_is_written_where_it_is_wanted() {
    let stage = Harness::without_bridge("").unwrap();
    let (config, unit) = (begin(&stage), stage.dir().join("units/telekommo.service"));
    let mut lines = answers(&stage);
    lines.insert(0, format!("unit = {:?}", unit.display().to_string()));
    let (code, said) = init(&stage, &config, &lines, 0o600).await;
    assert_eq!(code, Some(0), "{said}");
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/telekommo.service");
    assert_eq!(fs::read_to_string(unit).unwrap(), fs::read_to_string(here).unwrap());
}

#[tokio::test]
async fn a_person_is_led_to_a_message_that_crosses() {
    let stage = Harness::without_bridge("").unwrap();
    stage.kommo.set_connected(false);
    let config = begin(&stage);
    let settings = stage.kommo.settings().clone();
    let mut talk = dialogue::Dialogue::begin(&["init", "--config", config.to_str().unwrap()]);
    talk.answer("A short name for this bot", "").await;
    talk.answer("What managers call it in Kommo", SALES.name).await;
    talk.secret("The bot's token", "7000000001:SANDBOX-other").await;
    talk.secret("The bot's token", SALES.token).await;
    talk.answer("Is there another bot?", "no").await;
    talk.answer("The account's address", &stage.kommo.account_url()).await;
    talk.secret("The access token", &stage.kommo.access_token()).await;
    talk.answer("The channel's id", &settings.channel_id).await;
    talk.secret("The channel's secret", &settings.channel_secret).await;
    talk.answer("The channel's code", "").await;
    talk.answer("The id of the channel's bot", "").await;
    talk.answer("Connect the channel to the account now?", "").await;
    talk.reads("Press Enter when it runs").await;
    let process = start(&stage, &config).await;
    talk.types("");
    talk.reads("Write the number ").await;
    let number = talk.next_word().await;
    stage.telegram.write(SALES.token, ANNA, &number);
    talk.reads("Now open the conversation with Anna Petrova in Kommo").await;
    stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "well").await;
    talk.reads("A message has crossed both ways.").await;
    let (code, said) = talk.end().await;
    assert_eq!(code, Some(0), "{said}");
    for secret in ["SANDBOX", &settings.channel_secret, &stage.kommo.access_token()] {
        assert!(!said.contains(secret), "{said}");
    }
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Telegram does not accept this bot's token",
        "Kommo has not connected the channel to the account yet.",
        "The channel is connected to the account.",
        "From Telegram to Kommo: ",
        "telekommo works.",
    ] {
        assert!(flat.contains(words), "{words}: {said}");
    }
    process.end(Signal::TERM).await;
}
