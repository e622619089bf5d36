//! How soon each fault is told, by the values that hold if nothing is set: the manual says it, and a minute is the
//! bound for all that is urgent.

use std::{fs, time::Duration};

use telekommo::config::{Config, Environment};

const MINUTE: Duration = Duration::from_mins(1);
/// How long a poll may hang beyond its time (`telegram::updates`).
const POLL_GRACE: Duration = Duration::from_secs(15);
const LEAST: &str = "server.public_url = \"https://bridge.example.com\"\nkommo.channel_id = \
                     \"344a5002-f8ca-454d-af3d-396180102ac7\"\nkommo.channel_secret = \
                     \"f2d7f8704eff95087ed45b23ba99c0b5aac8278e\"\nkommo.account_id = \
                     \"52e591f7-c98f-4255-8495-827210138c81\"\n[sources.sales]\ntoken = \
                     \"123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1\"\nname = \"Sales bot\"\n";

/// How a fault is noticed.
enum Noticed {
    /// By the next poll.
    ByPoll,
    /// By what is asked now and then.
    Asked,
    /// Whenever it is looked what is wrong.
    Looked,
    /// With something that happens later; the manual says with what.
    Later(&'static str),
}

fn noticed(fault: &str) -> Noticed {
    let (asked, looked) = (Noticed::Asked, Noticed::Looked);
    match fault {
        "a bot's token is not accepted"
        | "another service has set a webhook"
        | "another program polls the bot"
        | "Telegram's name or a proxy does not work" => Noticed::ByPoll,
        "a wrong `kommo.channel_secret`"
        | "a wrong `kommo.channel_id` or `kommo.account_id`"
        | "the channel was disconnected"
        | "the clock is wrong"
        | "the certificate has expired"
        | "a wrong `server.public_url`"
        | "the web server keeps `/media` for itself"
        | "the account's token has ended"
        | "the account's token lacks a right"
        | "a source is gone from Kommo" => asked,
        "a message is parked" | "the disk is nearly full, or full" | "a new pair in `[server.tls]` cannot be used" => {
            looked
        }
        "something refuses Kommo's hooks" => Noticed::Later("reconcile.every"),
        "ACME brings no certificate" => Noticed::Later("a quarter of the time"),
        "the certificate ends soon" => Noticed::Later("alerts.expires_within"),
        "the account's token ends soon" => Noticed::Later("the same"),
        "Telegram or its server gives no files" => Noticed::Later("file"),
        "a message holds up its conversation" => Noticed::Later("alerts.backlog_after"),
        "the store cannot be dumped" => Noticed::Later("store.dump_every"),
        other => panic!("{other}: say here how it is noticed"),
    }
}

#[test]
fn each_fault_is_told_within_a_minute_or_the_manual_says_when() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, LEAST).unwrap();
    let config = Config::load(Some(&file), &Environment::default()).unwrap();
    let told_after = config.alerts.after + config.alerts.every;
    let manual = include_str!("../../../src/docs/troubleshoot.md");
    let (_, table) = manual.split_once("## How each fault is reported").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with('|')).skip(2).take_while(|line| line.starts_with('|'));
    let mut count = 0;
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (fault, says) = (cells[1], cells[5]);
        let within = match noticed(fault) {
            Noticed::ByPoll => config.telegram.poll_timeout + POLL_GRACE + told_after,
            Noticed::Asked => config.alerts.ask_every + told_after,
            Noticed::Looked => told_after,
            Noticed::Later(when) => {
                assert!(says.contains(when) && says != "within a minute", "{fault}: {says}");
                assert!(told_after <= MINUTE);
                count += 1;
                continue;
            }
        };
        assert!(within <= MINUTE, "{fault}: {within:?}");
        assert_eq!(says, "within a minute", "{fault}");
        count += 1;
    }
    assert!(count >= 20, "{count}");
}
