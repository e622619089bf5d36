//! A bot whose webhook is set elsewhere moves in, and moves out again.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;
use serde_json::{Value, json};
use telekommo::sandbox::harness::ANNA;

use super::{SALES, Shop};
use crate::{
    binary::{
        process::{Process, run},
        terminal::on_terminal,
    },
    support::{WITHIN, eventually, in_kommo},
};

const URL: &str = "https://shop.example.com/hook/a-secret-path";

impl Shop {
    /// Calls Telegram with the bot's own token, as another server does.
    async fn ask_telegram(&self, method: &str, args: Value) -> Value {
        let url = format!("{}/bot{}/{method}", self.stage.telegram.url(), SALES.token);
        let call = reqwest::Client::builder().no_proxy().build().unwrap().post(url);
        let call = call.header("content-type", "application/json").body(args.to_string());
        let answer: Value = call.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["ok"], true, "{answer}");
        answer["result"].clone()
    }

    /// Another server sets its webhook.
    async fn set_elsewhere(&self) {
        self.ask_telegram("setWebhook", json!({ "url": URL, "allowed_updates": ["message"] })).await;
    }

    async fn webhook(&self) -> String {
        self.ask_telegram("getWebhookInfo", json!({})).await["url"].as_str().unwrap().to_owned()
    }

    /// What is noted of the bot's former webhook.
    fn noted(&self) -> Option<Value> {
        let file = self.stage.dir().join("data/webhook-7000000001.json");
        let bytes = fs::read(&file).ok()?;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        Some(serde_json::from_slice(&bytes).unwrap())
    }

    /// The arguments of the last call of a method.
    fn last(&self, method: &str) -> Value {
        let requests = self.stage.telegram.requests().into_iter().rev();
        requests.into_iter().find(|it| it.method.eq_ignore_ascii_case(method)).unwrap().args
    }
}

#[tokio::test]
async fn a_bot_moves_in_with_what_waits_for_it_and_moves_out_again() {
    let shop = Shop::open();
    let process = Process::start(&shop.stage, run(&shop.stage)).await;
    process.end(Signal::TERM).await;
    shop.set_elsewhere().await;
    for text in ["1", "2"] {
        shop.stage.telegram.write(SALES.token, ANNA, text);
    }
    let (code, refused) = shop.command(&["adopt", "shop"]).await;
    assert!(code == Some(1) && refused.contains("add --yes"), "{refused}");
    assert_eq!((shop.webhook().await.as_str(), shop.noted()), (URL, None), "nothing was changed");
    let (code, adopted) = shop.command(&["adopt", "shop", "--yes"]).await;
    assert!(code == Some(0) && !adopted.contains("a-secret-path"), "{adopted}");
    for said in ["shop.example.com", "2 updates", "kinds message", "webhook-7000000001.json", &shop.gateway] {
        assert!(adopted.contains(said), "{said}: {adopted}");
    }
    assert_eq!(
        (shop.webhook().await.as_str(), shop.last("deleteWebhook")["drop_pending_updates"].clone()),
        ("", json!(false))
    );
    let noted = shop.noted().unwrap();
    assert_eq!((noted["url"].as_str(), &noted["allowed_updates"]), (Some(URL), &json!(["message"])));
    // It was cut off between the note and the deletion.
    shop.set_elsewhere().await;
    let (code, again) = shop.command(&["adopt", "shop", "--yes"]).await;
    assert!(code == Some(0) && shop.webhook().await.is_empty(), "{again}");
    let (code, done) = shop.command(&["adopt", "shop"]).await;
    assert!(code == Some(0) && done.contains("taken over already"), "{done}");
    assert_eq!(shop.noted().unwrap(), noted);

    let process = Process::start(&shop.stage, run(&shop.stage)).await;
    let given = shop.given(&json!({}), 2).await;
    assert_eq!(given.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    shop.stage.until("Kommo has all", WITHIN, |stage| in_kommo(stage, SALES, ANNA).len() == 2).await.unwrap();

    let token = shop.stage.dir().join("token");
    fs::write(&token, "not a token\n").unwrap();
    let release = ["release", "shop", "--yes", "--secret-token-file", token.to_str().unwrap()];
    let (code, wrong) = shop.command(&release).await;
    assert!(code == Some(1) && wrong.contains("no secret token") && shop.webhook().await.is_empty(), "{wrong}");
    fs::write(&token, "a_secret-Token\n").unwrap();
    let (code, released) = shop.command(&release).await;
    assert!(code == Some(0) && !released.contains("a_secret-Token"), "{released}");
    for said in ["shop.example.com", "[sources.sales]", "2 updates that shop has not fetched", "with a secret token"] {
        assert!(released.split_whitespace().collect::<Vec<_>>().join(" ").contains(said), "{said}: {released}");
    }
    let set = shop.last("setWebhook");
    assert_eq!((set["url"].as_str(), set["secret_token"].as_str()), (Some(URL), Some("a_secret-Token")));
    assert_eq!((shop.noted(), shop.webhook().await.as_str()), (None, URL));
    // The bridge that goes on polling says so, and leaves the webhook alone.
    let begun = shop.stage.telegram.requests().len();
    eventually("the bridge is told of the webhook", async || {
        let requests = shop.stage.telegram.requests();
        requests[begun.min(requests.len())..].iter().any(|it| it.method == "getupdates" && it.status == Some(409))
    })
    .await;
    assert_eq!(shop.webhook().await, URL);
    let (code, none) = shop.command(&["release", "shop", "--yes"]).await;
    assert!(code == Some(1) && none.contains("no webhook is noted"), "{none}");
    process.end(Signal::TERM).await;
}

#[tokio::test]
async fn a_bridge_that_does_not_know_the_program_yet_would_lose_what_waits_for_it() {
    let shop = Shop::open();
    let command = run(&shop.stage);
    let file = shop.stage.dir().join("config.toml");
    let whole = fs::read_to_string(&file).unwrap();
    let without: Vec<_> = whole.lines().filter(|line| !line.starts_with("programs.")).collect();
    fs::write(&file, without.join("\n")).unwrap();
    let process = Process::start(&shop.stage, command).await;
    fs::write(&file, whole).unwrap();
    shop.set_elsewhere().await;
    let (code, refused) = shop.command(&["adopt", "shop", "--yes"]).await;
    assert!(code == Some(1) && refused.contains("telekommo reload"), "{refused}");
    assert_eq!((shop.webhook().await.as_str(), shop.noted()), (URL, None));
    let (code, missing) = shop.command(&["adopt", "nobody", "--yes"]).await;
    assert!(code == Some(1) && missing.contains("[programs.nobody]"), "{missing}");
    let reloaded = super::finished(super::with_config("reload", &file)).await;
    assert_eq!(reloaded.status.code(), Some(0));
    let adopt = ["programs", "--config", file.to_str().unwrap(), "adopt", "shop"];
    let (code, said) = on_terminal(&adopt, 80, Some("no\n")).await;
    assert!(code == Some(1) && said.contains("Take the bot over?") && said.contains("nothing was changed"), "{said}");
    assert_eq!((shop.webhook().await.as_str(), shop.noted()), (URL, None));
    let (code, said) = on_terminal(&adopt, 80, Some("yes\n")).await;
    assert!(code == Some(0) && shop.webhook().await.is_empty() && shop.noted().is_some(), "{said}");
    process.end(Signal::TERM).await;
}
