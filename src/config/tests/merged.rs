//! Which layer wins, and what its texts become.

use super::*;

fn seconds(waits: &[u64]) -> Vec<Duration> {
    waits.iter().copied().map(Duration::from_secs).collect()
}

#[test]
fn the_least_file_gets_every_default() {
    let config = load(LEAST, &[]);
    assert_eq!(config.data_dir, Path::new("data"));
    assert_eq!(config.server.listen, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert_eq!(config.admin.listen, SocketAddr::from(([127, 0, 0, 1], 9090)));
    assert_eq!(config.telegram.api_url.as_str(), "https://api.telegram.org");
    assert_eq!(config.telegram.requests_per_second.get(), 25);
    assert_eq!(config.telegram.send_timeout, Duration::from_mins(1));
    assert_eq!(config.telegram.poll_timeout, Duration::from_secs(25));
    assert!(!config.telegram.keep_buttons && config.telegram.buttons == ButtonPlace::Inline);
    assert_eq!(config.kommo.chats_url.as_str(), "https://amojo.kommo.com");
    assert_eq!(config.kommo.timeout, Duration::from_secs(20));
    assert_eq!(config.kommo.requests_per_second.get(), 7);
    assert!(config.kommo.account_url.is_none() && config.kommo.access_token.is_none() && config.kommo.bot_id.is_none());
    assert_eq!((config.log.level.as_str(), config.log.format), ("info", LogFormat::Text));
    assert_eq!(config.store.dump_every, Duration::from_hours(1));
    assert_eq!(config.store.dump_keep.get(), 3);
    assert_eq!(config.store.dedupe_for, Duration::from_hours(7 * 24));
    assert_eq!(config.store.links_for, Duration::from_hours(90 * 24));
    assert_eq!(config.store.parked_for, Duration::from_hours(7 * 24));
    assert_eq!((config.store.cache_bytes, config.store.reserve_bytes), (32 << 20, 64 << 20));
    let days = |days: u64| Duration::from_hours(24 * days);
    assert_eq!((config.retention.moved_aside, config.retention.imports), (days(30), days(365)));
    assert_eq!((config.retention.dumps_bytes, config.retention.imports_bytes), (10 << 30, 50 << 30));
    assert_eq!((config.trace.keep, config.trace.max_bytes), (Duration::from_hours(7 * 24), 64 << 20));
    assert!(config.reconcile.on_start);
    assert_eq!(config.reconcile.every, Duration::from_hours(1));
    assert_eq!(config.reconcile.max_age, Duration::from_hours(24));
    assert_eq!(config.reconcile.chats_within, Duration::from_hours(30 * 24));
    assert_eq!(config.retry.kommo, Schedule::endless(seconds(&[1, 5, 15, 60, 300, 600])));
    assert_eq!(config.retry.telegram, Schedule::ending(seconds(&[1, 5, 30, 120, 600, 1800])));
    assert_eq!(config.retry.give_up_after, Duration::from_hours(1));
    assert_eq!(config.retry.probe_every, Duration::from_mins(1));
}

#[test]
fn a_scope_is_channel_and_account() {
    let want = "344a5002-f8ca-454d-af3d-396180102ac7_52e591f7-c98f-4255-8495-827210138c81";
    let kommo = load(LEAST, &[]).kommo;
    assert_eq!(kommo.scope_id(kommo.account_id.as_ref().unwrap()), want);
}

#[test]
fn an_account_that_can_be_asked_need_not_be_named() {
    let account = r#"account_id = "52e591f7-c98f-4255-8495-827210138c81""#;
    let without_id = least_with(account, "account_url = \"https://example.kommo.com\"\naccess_token = \"abc\"");
    assert!(load(&without_id, &[]).kommo.account_id.is_none());
    for (alone, expected) in [
        ("account_url = \"https://example.kommo.com\"", "kommo.account_url: account_url needs access_token"),
        ("access_token = \"abc\"", "kommo.access_token: access_token needs account_url"),
        ("", "kommo.account_id is missing"),
    ] {
        let message = Folder::new(&least_with(account, alone)).message(&[]);
        assert!(message.contains(expected) && message.lines().count() == 1, "{message}");
    }
}

#[test]
fn the_language_is_written_or_left_to_the_account() {
    assert_eq!(load(LEAST, &[]).kommo.language, None);
    for (code, language) in [("en", Language::En), ("es", Language::Es), ("pt", Language::Pt), ("ru", Language::Ru)] {
        assert_eq!(load(LEAST, &[("TELEKOMMO_KOMMO__LANGUAGE", code)]).kommo.language, Some(language));
    }
    for none in ["de", "RU", "pt-BR", "", "russian"] {
        let message = Folder::new(LEAST).message(&[("TELEKOMMO_KOMMO__LANGUAGE", none)]);
        let want = r#"is none of "en", "es", "pt" and "ru": write one of them"#;
        assert!(message.contains("TELEKOMMO_KOMMO__LANGUAGE") && message.contains(want), "{message}");
    }
}

#[test]
fn what_is_not_taken_for_granted_of_the_account_is_learnt() {
    assert_eq!(load(LEAST, &[]).kommo.assumed, Assumed::default());
    let variables = [
        ("TELEKOMMO_KOMMO__STATUS_NAMES", "status_code"),
        ("TELEKOMMO_KOMMO__STATUS_IN_MESSAGES", "false"),
        ("TELEKOMMO_KOMMO__CUSTOMER_EDITS", "true"),
    ];
    let want = Assumed {
        status_names: Some(crate::domain::assumed::StatusNames::Newer),
        status_in_messages: Some(false),
        customer_edits: Some(true),
    };
    assert_eq!(load(LEAST, &variables).kommo.assumed, want);
    for (variable, value, words) in [
        ("TELEKOMMO_KOMMO__STATUS_NAMES", "code", r#"is none of "both", "status_code" and "delivery_status""#),
        ("TELEKOMMO_KOMMO__STATUS_IN_MESSAGES", "yes", "is neither true nor false"),
        ("TELEKOMMO_KOMMO__CUSTOMER_EDITS", "on", "is neither true nor false"),
    ] {
        let message = Folder::new(LEAST).message(&[(variable, value)]);
        assert!(message.contains(variable) && message.contains(words), "{message}");
    }
}

#[test]
fn at_most_one_source_is_the_default_one() {
    let file = format!(
        "{}\n[sources.other]\ntoken = \"5:abc\"\nname = \"Other\"\ndefault = true\n",
        least_with(r#"name = "Sales bot""#, "name = \"Sales bot\"\ndefault = true")
    );
    let message = Folder::new(&file).message(&[]);
    assert!(message.contains("sources.sales.default") && message.contains("other"), "{message}");
}

#[test]
fn variables_win_over_the_file() {
    let file = format!("{LEAST}[retry]\nkommo = [\"1h\"]\n[log]\nlevel = \"warn\"\n");
    let config = load(
        &file,
        &[
            ("TELEKOMMO_RETRY__KOMMO", "2s,1m"),
            ("TELEKOMMO_LOG__LEVEL", "debug"),
            ("TELEKOMMO_TELEGRAM__BUTTONS", "keyboard"),
            ("TELEKOMMO_TELEGRAM__KEEP_BUTTONS", "true"),
            ("TELEKOMMO_DATA_DIR", "/var/lib/telekommo"),
            ("TELEKOMMO_KOMMO__CHANNEL_SECRET", "0123456789012345678901234567890123456789"),
            ("TELEKOMMO_SOURCES__SALES__NAME", "79001234567"),
            ("TELEKOMMO_STORE__DUMP_KEEP", "5"),
            ("PATH", "/usr/bin"),
        ],
    );
    assert_eq!(config.retry.kommo, Schedule::endless(seconds(&[2, 60])));
    assert_eq!(config.log.level.as_str(), "debug");
    assert!(config.telegram.keep_buttons && config.telegram.buttons == ButtonPlace::Keyboard);
    assert_eq!(config.data_dir, Path::new("/var/lib/telekommo"));
    assert_eq!(config.kommo.channel_secret.expose(), "0123456789012345678901234567890123456789");
    assert_eq!(config.sources[&SourceId::parse("sales").unwrap()].name, "79001234567");
    assert_eq!(config.store.dump_keep.get(), 5);
}

#[test]
fn a_variable_is_a_text_whatever_it_looks_like() {
    for text in ["123", "true", "1.50", "\"quoted\"", "[a", "{a=b}", "+7 900", "0123"] {
        let config = load(LEAST, &[("TELEKOMMO_KOMMO__ACCESS_TOKEN", "123"), ("TELEKOMMO_SOURCES__SALES__NAME", text)]);
        assert_eq!(config.sources[&SourceId::parse("sales").unwrap()].name, text);
        assert_eq!(config.kommo.access_token.unwrap().expose(), "123");
    }
}

#[test]
fn a_number_in_the_file_is_a_text_where_a_text_belongs() {
    let config = load(&least_with(r#"name = "Sales bot""#, "name = 79001234567\npipeline_id = \"123\""), &[]);
    let sales = &config.sources[&SourceId::parse("sales").unwrap()];
    assert_eq!((sales.name.as_str(), sales.pipeline_id), ("79001234567", Some(123)));
}

#[test]
fn a_source_can_come_from_variables_alone() {
    let config =
        load(LEAST, &[("TELEKOMMO_SOURCES__SUPPORT__TOKEN", "5:abc"), ("TELEKOMMO_SOURCES__SUPPORT__NAME", "Support")]);
    let bots: Vec<_> = config.sources.iter().map(|(id, source)| (id.as_str(), source.token.bot_id().0)).collect();
    assert_eq!(bots, [("sales", 123_456_789), ("support", 5)]);
}

#[test]
fn a_variable_finds_the_source_of_the_file_in_any_letter_case() {
    let config = load(&LEAST.replace("sources.sales", "sources.Sales"), &[("TELEKOMMO_SOURCES__SALES__NAME", "other")]);
    let names: Vec<_> = config.sources.iter().map(|(id, source)| (id.as_str(), source.name.as_str())).collect();
    assert_eq!(names, [("Sales", "other")]);
}

#[test]
fn a_source_name_may_have_dots_and_spaces() {
    let config = load(&LEAST.replace("sources.sales", r#"sources."a. b""#), &[]);
    assert!(config.sources.contains_key(&SourceId::parse("a. b").unwrap()));
}

#[test]
fn variables_alone_do_if_there_is_no_file() {
    let environment: Environment = [
        ("TELEKOMMO_SERVER__PUBLIC_URL", "https://bridge.example.com"),
        ("TELEKOMMO_KOMMO__CHANNEL_ID", "344A5002-f8ca-454d-af3d-396180102ac7"),
        ("TELEKOMMO_KOMMO__CHANNEL_SECRET", SECRET),
        ("TELEKOMMO_KOMMO__ACCOUNT_ID", "52e591f7-c98f-4255-8495-827210138c81"),
        ("TELEKOMMO_SOURCES__SALES__TOKEN", TOKEN),
        ("TELEKOMMO_SOURCES__SALES__NAME", "Sales"),
    ]
    .into_iter()
    .collect();
    let config = Config::load_from(None, &[], &environment).unwrap();
    assert_eq!(config.kommo.channel_id.as_str(), "344a5002-f8ca-454d-af3d-396180102ac7");
}

#[test]
fn the_first_place_with_a_file_is_taken() {
    let (empty, folder) = (tempfile::tempdir().unwrap(), Folder::new(LEAST));
    let places = [empty.path().join("config.toml"), folder.path().join("config.toml")];
    let places: Vec<_> = places.iter().map(AsRef::as_ref).collect();
    assert!(Config::load_from(None, &places, &Environment::default()).is_ok());
    assert!(Config::load_from(Some(places[0]), &places, &Environment::default()).is_err());
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", load(LEAST, &[("TELEKOMMO_KOMMO__ACCESS_TOKEN", "eyJhbGciOi")]));
    for secret in [TOKEN, SECRET, "eyJhbGciOi", "AAHdqTcv"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("access_token: Some([secret])"), "{shown}");
}

#[test]
fn variables_that_only_begin_like_ours_are_told_and_set_nothing() {
    let foreign = [
        ("TELEKOMMO_PORT", "tcp://10.0.0.1:8080"),
        ("TELEKOMMO_SERVICE_HOST", "10.0.0.1"),
        ("TELEKOMMO_VERSION", "0.1"),
        ("TELEKOMMO_KOMMO_TIMEOUT", "1s"),
    ];
    let folder = Folder::new(LEAST);
    folder.write("config.toml", LEAST, 0o600);
    let [slip, others] = folder.warnings(&foreign).try_into().unwrap();
    assert_eq!(slip, "TELEKOMMO_KOMMO_TIMEOUT sets nothing: did you mean TELEKOMMO_KOMMO__TIMEOUT?");
    assert!(others.starts_with("TELEKOMMO_PORT, TELEKOMMO_SERVICE_HOST, TELEKOMMO_VERSION: "), "{others}");
    assert!(!others.contains("10.0.0.1"), "values may be secrets: {others}");
    assert_eq!(folder.load(&foreign).unwrap().kommo.timeout.as_secs(), 20);
    // They alone are no configuration.
    let nothing = Config::load_from(None, &[], &foreign.into_iter().collect()).unwrap_err();
    assert!(nothing.to_string().starts_with("no configuration"), "{nothing}");
}

#[test]
fn what_a_file_of_variables_puts_around_is_no_part_of_them() {
    let variables =
        [("\u{feff}TELEKOMMO_KOMMO__TIMEOUT", "7s\r"), ("TELEKOMMO_SOURCES__SALES__TOKEN", "\u{feff}7:abc\r\n")];
    let config = load(LEAST, &variables);
    assert_eq!(config.kommo.timeout.as_secs(), 7);
    assert_eq!(config.sources[&SourceId::parse("sales").unwrap()].token.expose(), "7:abc");
}

#[test]
fn a_configuration_may_begin_with_a_mark_and_have_the_lines_of_another_system() {
    let config = load(&format!("\u{feff}{}", LEAST.trim_start().replace('\n', "\r\n")), &[]);
    assert_eq!(config.server.public_url.as_str(), "https://bridge.example.com");
}

/// [`LEAST`] with a program.
fn with_program(lines: &str) -> String {
    format!("{LEAST}\n[programs.shop]\nsource = \"sales\"\n{lines}\n")
}

const PROGRAM_SECRET: &str = "secret = \"123456789:letters-that-nobody-guesses\"";

#[test]
fn a_program_gets_what_people_expect_and_what_is_written() {
    use crate::domain::program::{Leads, Pattern, Sees};

    let config = load(&with_program(PROGRAM_SECRET), &[]);
    let shop = &config.programs["shop"];
    assert_eq!((shop.source.as_str(), shop.secret.bot_id().0), ("sales", 123_456_789));
    assert_eq!((shop.leads, shop.sees, shop.hide.len(), shop.name.as_deref()), (Leads::Never, Sees::All, 0, None));
    assert_eq!(shop.quiet, None);
    assert_eq!(config.gateway.listen, SocketAddr::from(([127, 0, 0, 1], 8083)));
    assert_eq!((config.gateway.keep, config.gateway.max_bytes), (Duration::from_hours(24), 64 << 20));
    assert!(!config.gateway.allow_private && !format!("{config:?}").contains("letters-that"));
    let more = "name = \"Shop\"\nleads = \"known\"\nsees = \"not-ours\"\nhide = [\"/order\", \"cb:cart:*\"]\n\
                quiet_while_manager = \"30m\"";
    let config = load(&with_program(&format!("{PROGRAM_SECRET}\n{more}")), &[("TELEKOMMO_GATEWAY__KEEP", "1h")]);
    let shop = &config.programs["shop"];
    assert_eq!((shop.leads, shop.sees, shop.name.as_deref()), (Leads::Known, Sees::NotOurs, Some("Shop")));
    assert_eq!(shop.quiet, Some(Duration::from_mins(30)));
    assert_eq!(shop.hide, ["/order", "cb:cart:*"].map(|text| Pattern::parse(text).unwrap()));
    assert_eq!(config.gateway.keep, Duration::from_hours(1));
    let folder = Folder::new(&with_program("secret_file = \"shop\""));
    folder.write("shop", "123456789:letters-that-nobody-guesses\n", 0o600);
    assert_eq!(folder.load(&[]).unwrap().programs["shop"].secret.bot_id().0, 123_456_789);
}

#[test]
fn a_program_that_cannot_be_told_from_others_is_refused() {
    let second = "[programs.other]\nsource = \"sales\"\nsecret = \"123456789:letters-that-nobody-guesses\"";
    let own_token = format!("secret = {TOKEN:?}");
    for (lines, expected) in [
        ("", "config.toml: programs.shop.secret is missing"),
        ("secret = \"123456789:short\"", "programs.shop.secret: the value is no secret for a program"),
        ("secret = \"5:letters-that-nobody-guesses\"", "another number than the bot of source \"sales\""),
        (&own_token, "programs.shop.secret: is the token of a bot"),
        (&format!("{PROGRAM_SECRET}\n{second}"), "programs.shop.secret: program \"other\" has the same"),
        (&format!("{PROGRAM_SECRET}\nleads = \"often\""), "is none of \"never\", \"known\" and \"always\""),
        (&format!("{PROGRAM_SECRET}\nhide = [\"order\"]"), "is not a list of what a program keeps for itself"),
        (&format!("{PROGRAM_SECRET}\nsees = \"some\""), "is neither \"all\" nor \"not-ours\""),
        (&format!("{PROGRAM_SECRET}\nquiet_while_manager = \"25h\""), "is not a time for which a program is quiet"),
        (&format!("{PROGRAM_SECRET}\n[gateway]\nkeep = \"25h\""), "gateway.keep: \"25h\" is not a time"),
        (&format!("{PROGRAM_SECRET}\n[gateway]\nlisten = \"127.0.0.1:8080\""), "conflicts with server.listen"),
    ] {
        let message = Folder::new(&with_program(lines)).message(&[]);
        assert!(message.contains(expected) && !message.contains("letters-that"), "{lines}: {message}");
    }
    assert_eq!(load(LEAST, &[("TELEKOMMO_GATEWAY__LISTEN", "127.0.0.1:8080")]).programs.len(), 0, "nothing listens");
}
