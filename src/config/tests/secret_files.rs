//! Secrets in files of their own.

use super::*;

const WITH_FILE: (&str, &str) =
    (r#"token = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1""#, r#"token_file = "sales-token""#);

fn folder_with(text: impl AsRef<[u8]>, mode: u32) -> Folder {
    let folder = Folder::new(&least_with(WITH_FILE.0, WITH_FILE.1));
    folder.write("sales-token", text, mode);
    folder
}

fn token(config: &Config) -> &str {
    config.sources[&SourceId::parse("sales").unwrap()].token.expose()
}

#[test]
fn newlines_at_the_end_do_not_count() {
    for end in ["", "\n", "\r\n", "\n\n"] {
        assert_eq!(token(&folder_with(format!("7:abc{end}"), 0o600).load(&[]).unwrap()), "7:abc");
    }
}

#[test]
fn a_mark_in_front_does_not_count_and_utf_16_is_named() {
    for text in ["\u{feff}7:abc\r\n", "\u{feff}7:abc"] {
        assert_eq!(token(&folder_with(text, 0o600).load(&[]).unwrap()), "7:abc");
    }
    for text in [&b"\xff\xfe7\0:\0a\0"[..], b"7\0:\0a\0"] {
        assert_eq!(
            folder_with(text, 0o600).message(&[]),
            "config.toml: sources.sales.token_file: sales-token cannot be read (it is saved as UTF-16): save it as \
             UTF-8",
        );
    }
}

#[test]
fn a_file_that_others_can_read_is_taken_with_a_warning() {
    let warning = "config.toml: sources.sales.token_file: sales-token can be read by other users of this machine: run \
                   chmod 600 sales-token";
    for (mode, is_warned) in
        [(0o644, true), (0o604, true), (0o602, true), (0o600, false), (0o400, false), (0o711, false)]
    {
        let folder = folder_with("7:abc", mode);
        folder.write("config.toml", fs::read(folder.path().join("config.toml")).unwrap(), 0o600);
        let warnings: &[&str] = if is_warned { &[warning] } else { &[] };
        assert_eq!(folder.warnings(&[]), warnings, "{mode:o}");
        // Nobody else gets there.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(folder.warnings(&[]), [""; 0], "{mode:o}");
    }
}

#[test]
fn an_absolute_name_is_taken_as_it_is() {
    let (folder, elsewhere) = (Folder::new(LEAST), folder_with("7:abc", 0o400));
    let path = elsewhere.path().join("sales-token");
    let config = folder.load(&[("TELEKOMMO_SOURCES__SALES__TOKEN_FILE", path.to_str().unwrap())]).unwrap();
    assert_eq!(token(&config), "7:abc");
}

#[test]
fn a_credential_comes_before_a_file_beside_the_configuration() {
    let (folder, credentials) = (folder_with("7:beside", 0o600), Folder::new(""));
    let variable = [("CREDENTIALS_DIRECTORY", credentials.path().to_str().unwrap())];
    assert_eq!(token(&folder.load(&variable).unwrap()), "7:beside");
    credentials.write("sales-token", "7:credential", 0o444);
    assert_eq!(token(&folder.load(&variable).unwrap()), "7:credential");
    assert_eq!(token(&folder.load(&[("CREDENTIALS_DIRECTORY", "")]).unwrap()), "7:beside");
}

#[test]
fn the_later_layer_wins_whether_it_is_a_secret_or_a_file() {
    let folder = folder_with("7:file", 0o600);
    assert_eq!(token(&folder.load(&[("TELEKOMMO_SOURCES__SALES__TOKEN", "7:variable")]).unwrap()), "7:variable");

    let folder = Folder::new(LEAST);
    folder.write("other", "7:other", 0o600);
    assert_eq!(token(&folder.load(&[("TELEKOMMO_SOURCES__SALES__TOKEN_FILE", "other")]).unwrap()), "7:other");
}

#[test]
fn files_that_are_no_secret_are_refused() {
    let place = "config.toml: sources.sales.token_file: ";
    for (text, mode, want) in [
        ("", 0o600, "sales-token is empty: write the secret into it"),
        ("\n\n", 0o600, "sales-token is empty: write the secret into it"),
        (
            "hush",
            0o600,
            "the text of sales-token is not a bot token: write it as @BotFather gave it, such as \"123456:ABC-def_1\"",
        ),
        (&"7".repeat(4097), 0o600, "sales-token is larger than 4 KiB: write the secret into it, and nothing else"),
    ] {
        assert_eq!(folder_with(text, mode).message(&[]), format!("{place}{want}"));
    }
}

#[test]
fn what_cannot_be_read_as_text_is_refused_by_path() {
    let remedy = "name a file that holds the secret";
    let variable = |name| [("TELEKOMMO_SOURCES__SALES__TOKEN_FILE", name)];
    let folder = folder_with(b"7\xff", 0o600);
    fs::create_dir(folder.path().join("folder")).unwrap();
    assert_eq!(
        folder.message(&[]),
        format!(
            "config.toml: sources.sales.token_file: sales-token cannot be read (it is not UTF-8): save it as UTF-8"
        ),
    );
    assert_eq!(
        folder.message(&variable("missing")),
        format!(
            "TELEKOMMO_SOURCES__SALES__TOKEN_FILE: missing cannot be read (No such file or directory (os error 2)): \
             {remedy}"
        ),
    );
    assert_eq!(
        folder.message(&variable("folder")),
        format!("TELEKOMMO_SOURCES__SALES__TOKEN_FILE: folder is not a file: {remedy}"),
    );
    assert_eq!(
        folder.message(&variable("")),
        "TELEKOMMO_SOURCES__SALES__TOKEN_FILE: \"\" is not the name of a file: write a path",
    );
}

#[test]
fn a_secret_in_place_of_a_file_name_is_not_shown() {
    let message = Folder::new(LEAST).message(&[("TELEKOMMO_KOMMO__CHANNEL_SECRET_FILE", SECRET)]);
    assert_eq!(
        message,
        "TELEKOMMO_KOMMO__CHANNEL_SECRET_FILE: the value looks like the secret itself: write the name of a file that \
         holds it",
    );
}

#[test]
fn a_configuration_that_tells_secrets_to_others_is_known() {
    let folder = Folder::new(LEAST);
    let is_open = |folder: &Folder| !folder.warnings(&[]).is_empty();
    assert_eq!(
        folder.warnings(&[]),
        ["config.toml holds secrets, and other users of this machine can read it: run chmod 600 config.toml. Or put \
          each secret into a file of its own (channel_secret_file, token_file, access_token_file)"]
    );
    folder.write("config.toml", LEAST, 0o604);
    assert!(is_open(&folder));
    for mode in [0o600, 0o611] {
        folder.write("config.toml", LEAST, mode);
        assert!(!is_open(&folder), "{mode:o}");
    }
    // Every secret in a file of its own, as the service has them.
    let secretless = least_with(WITH_FILE.0, WITH_FILE.1)
        .replace("channel_secret = ", "#")
        .replace("account_id", "channel_secret_file = \"key\"\naccount_id");
    let folder = Folder::new(&secretless);
    folder.write("sales-token", TOKEN, 0o600);
    folder.write("key", SECRET, 0o600);
    assert!(!is_open(&folder));
}
