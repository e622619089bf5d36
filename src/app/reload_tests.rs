//! A reload lists keys as "In force" only if it has an effect: each is in a list of what is rebuilt.

use std::fs;

use super::*;
use crate::{
    app::{
        alerting,
        bots::access,
        running,
        services::{self, ChatsSettings},
    },
    config::Environment,
};

/// A configuration in which every key of [telegram] and [kommo] makes a difference.
const WHOLE: &str = r#"
[server]
public_url = "https://bridge.example.com"

[telegram]
api_url = "http://127.0.0.1:8081"
buttons = "keyboard"
local_dir = "/usr"

[kommo]
channel_id = "344a5002-f8ca-454d-af3d-396180102ac7"
channel_secret = "f2d7f8704eff95087ed45b23ba99c0b5aac8278e"
account_id = "52e591f7-c98f-4255-8495-827210138c81"
account_url = "https://acme.kommo.com"
access_token = "a-token"

[sources.sales]
token = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
name = "Sales bot"
"#;

/// Another valid value for each key of [telegram] and [kommo] that a reload puts into force.
const OTHERS: [(&str, &str); 35] = [
    ("telegram.api_url", "http://127.0.0.1:8082"),
    ("telegram.requests_per_second", "24"),
    ("telegram.chat_requests_per_second", "2"),
    ("telegram.chat_burst", "6"),
    ("telegram.group_requests_per_minute", "19"),
    ("telegram.when_uncertain", "repeat"),
    ("telegram.send_timeout", "61s"),
    ("telegram.poll_timeout", "49s"),
    ("telegram.buttons", "inline"),
    ("telegram.keep_buttons", "true"),
    ("telegram.groups", "relay"),
    ("telegram.mark_read", "true"),
    ("telegram.local", "true"),
    ("telegram.local_dir", "/etc"),
    ("telegram.ask_phone", "on_start"),
    ("telegram.phone_wait", "11m"),
    ("telegram.phone_region", "BR"),
    ("telegram.proxy", "http://10.0.0.1:1080"),
    ("kommo.media_hosts", "files.example.com"),
    ("kommo.access_token", "another-token"),
    ("kommo.origin_code", "amo.ext.12345"),
    ("kommo.bot_id", "76fc2bea-902f-425c-9a3d-dcdac4766090"),
    ("kommo.connect_on_start", "false"),
    ("kommo.channel_title", "Telegram"),
    ("kommo.time_window", "on"),
    ("kommo.language", "es"),
    ("kommo.infer_read", "true"),
    ("kommo.timeout", "21s"),
    ("kommo.requests_per_second", "6"),
    ("kommo.status_names", "both"),
    ("kommo.status_in_messages", "true"),
    ("kommo.customer_edits", "true"),
    ("kommo.username_field", "Telegram"),
    ("kommo.contact_tags", "telegram"),
    ("kommo.proxy", "http://10.0.0.1:1080"),
];

fn load(variables: &[(&str, &str)]) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, WHOLE).unwrap();
    let variables: Environment = variables.iter().copied().collect();
    Config::load(Some(&file), &variables).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_key_that_a_reload_puts_into_force_rebuilds_something() {
    let lists: [&[&str]; 9] = [
        &services::MADE_OF,
        &running::RECONCILER,
        &running::SETUP,
        &running::UPKEEP,
        &running::POLLERS,
        &alerting::ADDRESS,
        &alerting::ALERTS,
        &alerting::HEARTBEAT,
        &LOG,
    ];
    let changes = Changes::each_alone();
    for (key, change) in &changes {
        assert!(
            lists.iter().any(|list| change.touch(list)),
            "a reload would say that {key} is in force, and change nothing: add it to a list of app/services.rs, \
             app/running.rs or app/alerting.rs, or let only a start read it (.at_start())"
        );
    }
    for place in lists.into_iter().flatten() {
        assert!(changes.iter().any(|(_, change)| change.touch(&[*place])), "no key is {place}, or in it");
    }
}

#[test]
fn a_client_is_rebuilt_by_its_own_keys_and_no_others() {
    let before = load(&[]);
    let made_of =
        |config: &Config| (format!("{:?}", access(config)), format!("{:?}", ChatsSettings::of(&config.kommo)));
    let mut tried = 0;
    for (key, change) in Changes::each_alone() {
        if !key.starts_with("telegram.") && !key.starts_with("kommo.") {
            continue;
        }
        let other = OTHERS.iter().find(|(name, _)| *name == key);
        let (_, value) = other.unwrap_or_else(|| panic!("write another good value for {key} here"));
        let variable = format!("TELEKOMMO_{}", key.replace('.', "__").to_uppercase());
        let now = load(&[(&variable, value)]);
        let (bots, chats) = (made_of(&before).0 != made_of(&now).0, made_of(&before).1 != made_of(&now).1);
        assert_eq!(change.touch(&services::BOTS), bots, "{key} and bots: see BOTS in app/services.rs");
        assert_eq!(change.touch(&services::CHATS), chats, "{key} and the Chats API: see CHATS in app/services.rs");
        tried += 1;
    }
    assert_eq!(tried, OTHERS.len());
}
