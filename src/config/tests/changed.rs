//! Comparison of a configuration with the one in force.

use std::collections::BTreeSet;

use super::*;
use crate::docs::CHAPTERS;

/// Another good value for each key that only a start reads, over [`LEAST`] with a certificate.
const AT_START: [(&str, &str); 26] = [
    ("data_dir", "elsewhere"),
    ("server.listen", "127.0.0.1:81"),
    ("server.trusted_proxies", "10.0.0.1"),
    ("server.tls.certificate", "another.pem"),
    ("server.tls.key", "another.key"),
    ("server.tls.acme", "other.example.com"),
    ("server.tls.acme_email", "other@example.com"),
    ("server.tls.acme_directory", "https://acme.example.com/directory"),
    ("admin.listen", "127.0.0.1:91"),
    ("gateway.listen", "127.0.0.1:84"),
    ("gateway.keep", "23h"),
    ("gateway.max_mb", "65"),
    ("gateway.allow_private", "true"),
    ("kommo.chats_url", "https://amojo.amocrm.ru"),
    ("kommo.account_url", "https://example.kommo.com"),
    ("kommo.channel_id", "344a5002-f8ca-454d-af3d-396180102ac8"),
    ("kommo.channel_secret", "a2d7f8704eff95087ed45b23ba99c0b5aac8278e"),
    ("kommo.account_id", "52e591f7-c98f-4255-8495-827210138c82"),
    ("log.format", "json"),
    ("store.dedupe_for", "8d"),
    ("store.links_for", "91d"),
    ("store.parked_for", "8d"),
    ("store.cache_mb", "33"),
    ("store.reserve_mb", "65"),
    ("trace.keep", "8d"),
    ("trace.max_mb", "65"),
];

fn variable(key: &str) -> String {
    environment::variable(&key.split('.').collect::<Vec<_>>())
}

#[test]
fn what_only_a_start_reads_stays_as_it_was_and_is_named_as_long_as_it_differs() {
    let of_start: Vec<_> = KEYS.iter().filter(|key| key.at_start && !key.name.ends_with(keys::FILE)).collect();
    assert_eq!(of_start.len(), AT_START.len());
    let folder_with = |lines| Folder::new(&format!("{LEAST}[server.tls]\n{lines}"));
    let files = folder_with("certificate = \"one.pem\"\nkey = \"one.key\"\n");
    let acme = folder_with("acme = \"bridge.example.com\"\nacme_email = \"one@example.com\"\n");
    let all = |config: &Config| (format!("{config:?}"), config.kommo.channel_secret.expose().to_owned());
    for (key, value) in AT_START {
        // One excludes the other.
        let folder = if key.starts_with("server.tls.acme") { &acme } else { &files };
        let (running, variable) = (folder.load(&[]).unwrap(), variable(key));
        let changed = folder.load(&[(&variable, value)]).unwrap_or_else(|error| panic!("{key}: {error}"));
        let changes = running.written.changes(&changed.written);
        assert_eq!((changes.of_start(), changes.others()), (vec![key.to_owned()], vec![]), "{key}");
        let now = Config { place: load::Place::default(), ..changed.clone().started_as(&running) };
        let before = Config { place: load::Place::default(), ..running.clone() };
        assert_eq!(all(&now), all(&before), "{key}");
        assert!(running.written.changes(&now.written).is_empty(), "{key} is not in force");
        assert_eq!(now.written.changes(&changed.written), changes, "{key} is named again");
    }
}

#[test]
fn the_manual_names_every_key_that_needs_a_restart_and_no_other() {
    let chapter = CHAPTERS.iter().find(|chapter| chapter.name == "operate").expect("a chapter");
    let (_, list) = chapter.text.split_once("These keys need a restart: ").expect("the list of keys");
    let list = list.split("\n\n").next().unwrap_or_default();
    let named: BTreeSet<_> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(named, AT_START.iter().map(|(key, _)| *key).collect());
}

#[test]
fn the_backed_up_text_is_equivalent_without_secrets() {
    let kommo =
        "[kommo]\ncontact_tags = [\"a\", \"b c\"]\nmedia_hosts = []\nchannel_title = \"The \\\"best\\\" shop\"\n";
    let campaigns = "[campaigns.winter]\n[campaigns.summer]\ntags = [\"x\"]\n";
    let folder = Folder::new(&(least_with("[kommo]\n", kommo) + campaigns));
    folder.write("proxy", "socks5://me:rosebud@127.0.0.1:1080", 0o600);
    let variables = [("TELEKOMMO_RETRY__GIVE_UP_AFTER", "2h"), ("TELEKOMMO_KOMMO__PROXY_FILE", "proxy")];
    let config = folder.load(&variables).unwrap();
    let text = config.written.text();
    assert!(![TOKEN, SECRET, "rosebud"].iter().any(|secret| text.contains(secret)), "{text}");
    for secret in ["kommo.channel_secret", "sources.sales.token"] {
        assert!(
            text.contains(&format!("# {secret} is a secret: write it here, or its file as {secret}_file\n")),
            "{text}"
        );
    }
    assert!(text.contains("kommo.proxy_file = \"proxy\"\n") && !text.contains("# kommo.proxy"), "{text}");
    let secrets = format!("sources.sales.token = {TOKEN:?}\nkommo.channel_secret = {SECRET:?}\n");
    folder.write("config.toml", format!("{text}{secrets}"), 0o600);
    let again = folder.load(&[]).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(config.written.changes(&again.written), Changes::default(), "{text}");
}

#[test]
fn every_key_that_has_another_text_is_named_once() {
    let folder = Folder::new(LEAST);
    folder.write("token", TOKEN, 0o600);
    let running = folder.load(&[]).unwrap();
    let changes = |text: &str| {
        folder.write("config.toml", text, 0o644);
        running.written.changes(&folder.load(&[]).unwrap().written)
    };
    assert!(changes(&format!("log.level = \"info\"\n{LEAST}")).is_empty(), "a default is no change");
    let sales = SourceId::parse("sales").unwrap();
    let moved = changes(&least_with(&format!("token = \"{TOKEN}\""), "token_file = \"token\""));
    assert_eq!((moved.touch_token(&sales), moved.of_source(&sales)), (false, vec!["token_file".to_owned()]));
    folder.write("token", "123456789:another", 0o600);
    let other = changes(&least_with(&format!("token = \"{TOKEN}\""), "token_file = \"token\""));
    assert!(other.touch_token(&sales) && other.touch(&["sources"]) && !other.touch(&["telegram", "source"]));
    let more =
        "\n[campaigns.summer]\ntags = [\"a\"]\n[retry]\nkommo = [\"1s\"]\n[sources.b]\ntoken = \"1:b\"\nname = \"B\"";
    let more = changes(&format!("{LEAST}{more}"));
    assert_eq!(more.others(), ["campaigns.summer", "retry.kommo"]);
    assert!(more.touch(&["retry.kommo"]) && more.touch(&["retry"]) && !more.touch(&["retry.telegram"]));
    assert_eq!(changes(&format!("{LEAST}\n[campaigns.winter]\n")).others(), ["campaigns.winter"]);
    assert!(!format!("{:?}", running.written).contains(TOKEN));
}
