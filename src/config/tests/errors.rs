//! Messages about keys and values, word by word.

use insta::assert_snapshot;

use super::{
    mistake::{
        CHANNEL_LINE,
        Mistake::{InFile, InVariables},
        NAME_LINE, SECRET_LINE, messages,
    },
    *,
};

#[test]
fn unknown_keys_are_told() {
    assert_snapshot!(
        messages(&[
            InFile(CHANNEL_LINE, "chanel_id = \"hush\""),
            InFile(CHANNEL_LINE, "colour = \"hush\""),
            InFile(NAME_LINE, "name = \"Sales\"\npipeline = 5"),
            InFile("[server]", "[telegram]\ntoken = \"hush\"\n[server]"),
            InFile("[server]", "[kommmo]\ntimeout = \"5s\"\n[server]"),
            InFile("[server]", "[weather]\n[server]"),
            InFile("[server]", "listen = \"127.0.0.1:80\"\n[server]"),
            InFile("[server]", "colour = 5\n[server]"),
            InVariables(&[("TELEKOMMO_SOURCES__SALES__TOKN", "hush")]),
            InVariables(&[("TELEKOMMO_WEATHER__HERE", "hush")]),
        ]),
        @r#"
    > chanel_id = "hush"

    config.toml: unknown key kommo.chanel_id: did you mean kommo.channel_id?

    > colour = "hush"

    config.toml: unknown key kommo.colour: the keys of [kommo] are chats_url, account_url, media_hosts, access_token, access_token_file, channel_id, channel_secret, channel_secret_file, origin_code, account_id, bot_id, connect_on_start, channel_title, time_window, language, infer_read, timeout, requests_per_second, status_names, status_in_messages, customer_edits, username_field, contact_tags, proxy, proxy_file

    > name = "Sales"
    > pipeline = 5

    config.toml: unknown key sources.sales.pipeline: did you mean sources.sales.pipeline_id?

    > [telegram]
    > token = "hush"
    > [server]

    config.toml: unknown key telegram.token: it belongs under [sources.<name>]

    > [kommmo]
    > timeout = "5s"
    > [server]

    config.toml: unknown section [kommmo]: did you mean [kommo]?

    > [weather]
    > [server]

    config.toml: unknown section [weather]: the sections are server, admin, telegram, kommo, sources, programs, gateway, campaigns, phone_texts, alerts, alert_targets, log, store, trace, retention, media, reconcile, retry

    > listen = "127.0.0.1:80"
    > [server]

    config.toml: unknown key listen: it belongs under [server]

    > colour = 5
    > [server]

    config.toml: unknown key colour: the only key outside of a section is data_dir

    > TELEKOMMO_SOURCES__SALES__TOKN=hush

    TELEKOMMO_SOURCES__SALES__TOKN: unknown variable: did you mean TELEKOMMO_SOURCES__SALES__TOKEN?

    > TELEKOMMO_WEATHER__HERE=hush

    TELEKOMMO_WEATHER__HERE: unknown variable: unset it, or write it as TELEKOMMO_KOMMO__TIMEOUT is written for the key kommo.timeout
    "#
    );
}

#[test]
fn wrong_kinds_are_told() {
    assert_snapshot!(
        messages(&[
            InFile(CHANNEL_LINE, "channel_id = 5"),
            InFile(CHANNEL_LINE, "channel_id = [\"hush\"]"),
            InFile(SECRET_LINE, "channel_secret = { hush = 5 }"),
            InFile("[server]", "admin = 5\n[server]"),
            InFile("[sources.sales]", "[sources]"),
            InFile("[server]", "[retry]\nkommo = []\n[server]"),
            InFile("[server]", "[retry]\nkommo = [\"1s\", [\"5s\"]]\n[server]"),
        ]),
        @r#"
    > channel_id = 5

    config.toml: kommo.channel_id: "5" is not a UUID: write 36 characters such as "52e591f7-c98f-4255-8495-827210138c81"

    > channel_id = ["hush"]

    config.toml: kommo.channel_id is a list: write one value

    > channel_secret = { hush = 5 }

    config.toml: kommo.channel_secret is a table: write one value

    > admin = 5
    > [server]

    config.toml: admin is a section: write [admin] and its keys below

    > [sources]

    config.toml: sources.name is not a section: write a section per bot, such as [sources.sales]
    config.toml: sources.token is not a section: write a section per bot, such as [sources.sales]

    > [retry]
    > kommo = []
    > [server]

    config.toml: retry.kommo: "" is not a list of waits: write at least one duration above 0 and up to "6h", such as "1s", "5m"

    > [retry]
    > kommo = ["1s", ["5s"]]
    > [server]

    config.toml: retry.kommo is a list of lists: write single values between the brackets
    "#
    );
}

#[test]
fn wrong_values_are_told() {
    assert_snapshot!(
        messages(&[
            InFile("[server]", "[store]\ndump_every = \"soon\"\n[server]"),
            InFile("[server]", "[store]\ncache_mb = \"lots\"\n[server]"),
            InFile("[server]", "[telegram]\nrequests_per_second = 0\n[server]"),
            InFile("[server]", "[telegram]\npoll_timeout = \"2m\"\n[server]"),
            InFile("[server]", "[telegram]\nbuttons = \"below\"\n[server]"),
            InFile("[server]", "[log]\nlevel = \"inof\"\nformat = \"xml\"\n[server]"),
            InFile("[server]", "[server]\nlisten = \"localhost:8080\""),
            InFile("[server]", "[server]\nlisten = \"0.0.0.0:9090\""),
            InFile("[server]", "[retry]\nprobe_every = \"2h\"\n[server]"),
            InFile("[server]", "[reconcile]\nmax_age = \"7d\"\n[server]"),
            InFile(NAME_LINE, "name = \"\"\npipeline_id = \"first\""),
            InVariables(&[("TELEKOMMO_KOMMO__TIMEOUT", "20"), ("TELEKOMMO_DATA_DIR", "")]),
            InVariables(&[("TELEKOMMO_SERVER__PUBLIC_URL", "https://me:hush@example.com")]),
            InVariables(&[("TELEKOMMO_SERVER__PUBLIC_URL", "https://example.com/?a=b")]),
            InFile("[sources.sales]", "[sources.\"продажи\"]"),
        ]),
        @r#"
    > [store]
    > dump_every = "soon"
    > [server]

    config.toml: store.dump_every: "soon" is not a duration: write a number above 0 and a unit, such as "20s", "5m" or "1h"

    > [store]
    > cache_mb = "lots"
    > [server]

    config.toml: store.cache_mb: "lots" is not a size: write a whole number of megabytes above 0

    > [telegram]
    > requests_per_second = 0
    > [server]

    config.toml: telegram.requests_per_second: "0" is not a count: write a whole number above 0

    > [telegram]
    > poll_timeout = "2m"
    > [server]

    config.toml: telegram.poll_timeout: "2m" is not a time to poll: write whole seconds, from "1s" to "50s"

    > [telegram]
    > buttons = "below"
    > [server]

    config.toml: telegram.buttons: "below" is not a place for buttons: write inline or keyboard

    > [log]
    > level = "inof"
    > format = "xml"
    > [server]

    config.toml: log.level: "inof" is not a log filter: write error, warn, info, debug or trace, or a list such as "info,telekommo::relay=debug"
    config.toml: log.format: "xml" is not a log format: write text or json

    > [server]
    > listen = "localhost:8080"

    config.toml: server.listen: "localhost:8080" is not an address to listen on: write an IP address and a port, such as "127.0.0.1:8080"

    > [server]
    > listen = "0.0.0.0:9090"

    config.toml: server.listen: "0.0.0.0:9090" conflicts with admin.listen, which is "127.0.0.1:9090": give them different ports

    > [retry]
    > probe_every = "2h"
    > [server]

    config.toml: retry.give_up_after: "1h" is not longer than retry.probe_every: an answer would be given up before its bot is tried again

    > [reconcile]
    > max_age = "7d"
    > [server]

    config.toml: reconcile.max_age: "7days" is not shorter than store.dedupe_for, which is "7days": answers would be sent twice

    > name = ""
    > pipeline_id = "first"

    config.toml: sources.sales.name: "" is not a name: write a word or a few, in one line
    config.toml: sources.sales.pipeline_id: "first" is not a pipeline: write its number, such as 123

    > TELEKOMMO_KOMMO__TIMEOUT=20
    > TELEKOMMO_DATA_DIR=

    TELEKOMMO_DATA_DIR: "" is not a folder: write a path, such as "data"
    TELEKOMMO_KOMMO__TIMEOUT: "20" is not a duration: write a number above 0 and a unit, such as "20s", "5m" or "1h"

    > TELEKOMMO_SERVER__PUBLIC_URL=https://me:hush@example.com

    TELEKOMMO_SERVER__PUBLIC_URL: the value (not shown, it looks like a secret) has a user or a password: write the address without

    > TELEKOMMO_SERVER__PUBLIC_URL=https://example.com/?a=b

    TELEKOMMO_SERVER__PUBLIC_URL: "https://example.com/?a=b" has a query or a fragment: end the address before the ? or #

    > [sources."продажи"]

    config.toml: sources."продажи": a source id is 1 to 36 printable ASCII characters: rename the section
    "#
    );
}

#[test]
fn at_least_one_source_is_asked_for() {
    let (without, _) = LEAST.split_once("[sources").unwrap();
    for text in [without.to_owned(), format!("{without}[sources]")] {
        let message = Folder::new(&text).message(&[]);
        assert_eq!(message, "config.toml: sources is empty: write a section per bot, such as [sources.sales]");
    }
}

#[test]
fn every_key_is_read_and_checked() {
    // Every text but the empty one names a folder.
    let checked: Vec<_> = KEYS.iter().filter(|key| !key.name.ends_with("_dir")).collect();
    assert!(!checked.is_empty());
    for key in checked {
        let variable = environment::variable(&key.path("sales"));
        let message = Folder::new(LEAST).message(&[(&variable, "\u{7}")]);
        assert!(message.starts_with(&format!("{variable}: ")), "{variable} gives: {message}");
    }
}

#[test]
fn a_missing_configuration_names_the_places_that_were_searched() {
    let empty = tempfile::tempdir().unwrap();
    let places = [empty.path().join("one.toml"), empty.path().join("two.toml")];
    let places: Vec<_> = places.iter().map(AsRef::as_ref).collect();
    let message = |path| {
        let error = Config::load_from(path, &places, &[("PATH", "/usr/bin")].into_iter().collect()).unwrap_err();
        error.to_string().replace(&format!("{}/", empty.path().display()), "")
    };
    assert_eq!(
        message(None),
        "no configuration: there is no one.toml and no two.toml: copy config.toml.example to one of these places and \
         fill it in",
    );
    assert_eq!(
        message(Some(places[0])),
        "one.toml: cannot be read (No such file or directory (os error 2)): copy config.toml.example there and fill it \
         in",
    );
}

#[test]
fn texts_that_are_not_utf_8_are_refused() {
    use std::os::unix::ffi::OsStrExt as _;

    let folder = Folder::new(LEAST);
    let value = std::ffi::OsStr::from_bytes(b"\xff");
    let environment = [("TELEKOMMO_KOMMO__TIMEOUT", value)].into_iter().collect();
    let error = Config::load(Some(&folder.path().join("config.toml")), &environment).unwrap_err();
    assert_eq!(error.to_string(), "TELEKOMMO_KOMMO__TIMEOUT: the value is not UTF-8: write it as UTF-8");

    folder.write("config.toml", b"data_dir = \"\xff\"", 0o644);
    assert_eq!(folder.message(&[]), "config.toml: cannot be read (it is not UTF-8): save it as UTF-8",);
    folder.write("config.toml", b"\xff\xfed\0a\0t\0", 0o644);
    assert_eq!(folder.message(&[]), "config.toml: cannot be read (it is saved as UTF-16): save it as UTF-8");
}

#[test]
fn without_a_file_the_variable_that_is_missing_is_named() {
    let environment = [("TELEKOMMO_SOURCES__SALES__NAME", "Sales")].into_iter().collect();
    let error = Config::load_from(None, &[], &environment).unwrap_err();
    assert_snapshot!(error, @"
    server.public_url is missing: set TELEKOMMO_SERVER__PUBLIC_URL
    kommo.channel_id is missing: set TELEKOMMO_KOMMO__CHANNEL_ID
    kommo.channel_secret is missing: set TELEKOMMO_KOMMO__CHANNEL_SECRET
    kommo.account_id is missing: set TELEKOMMO_KOMMO__ACCOUNT_ID
    sources.sales.token is missing: set TELEKOMMO_SOURCES__SALES__TOKEN
    ");
}
