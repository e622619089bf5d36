//! The configuration: errors and warnings show no secret.

use std::{cell::OnceCell, fs};

use tempfile::TempDir;

use crate::{
    config::{Config, Environment},
    fuzz::input::Input,
};

/// A minimal valid file.
const MINIMAL: &str = r#"
[server]
public_url = "https://bridge.example.com"

[kommo]
channel_id = "344a5002-f8ca-454d-af3d-396180102ac7"
channel_secret = "f2d7f8704eff95087ed45b23ba99c0b5aac8278e"
account_id = "52e591f7-c98f-4255-8495-827210138c81"
access_token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImp0aSI6IjE2In0.eyJhdWQiOiIxMiIsImp0aSI6IjM0In0.c2lnbmF0dXJl"

[sources.sales]
token = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
name = "Sales bot"
"#;
const TOKEN: &str = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1";
const SECRET: &str = "f2d7f8704eff95087ed45b23ba99c0b5aac8278e";
const ACCESS: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImp0aSI6IjE2In0.eyJhdWQiOiIxMiIsImp0aSI6IjM0In0.c2lnbmF0dXJl";
const PASSWORD: &str = "http://user:vJ8qPz3nLw5tRk2x@10.0.0.1:3128";
/// The part of it that is no secret.
const ADDRESS: &str = "http://user:@10.0.0.1:3128";
/// Placeholders of the secrets.
const MARKS: [(&str, &str); 4] = [("@T", TOKEN), ("@S", SECRET), ("@A", ACCESS), ("@P", PASSWORD)];
/// No part of a secret of this length may be shown.
const PART_BYTES: usize = 12;
/// Characters that are typed by mistake.
const SLIPS: &[u8] = b"\"'\n=[]{}#., :\\ab1";
/// The maximum of slips of a file. After more, a secret could no longer be recognised as one.
const MAX_SLIPS: usize = 2;

/// A byte chooses what follows: a file, slips in a valid file, variables, or the content of a secret file.
pub(super) fn check(bytes: &[u8]) {
    if is_spliced(bytes) {
        return;
    }
    let mut input = Input::new(bytes);
    match input.byte() % 4 {
        0 => {
            let Some(text) = input.text() else { return };
            check_load(&with_secrets(text), &[], None);
        }
        1 => check_load(&with_slips(&mut input), &[], None),
        2 => {
            let file = [MINIMAL, "", "[server]\n"][usize::from(input.byte() % 3)];
            let lines: Vec<_> = std::iter::from_fn(|| (!input.is_empty()).then(|| input.line())).collect();
            let variables = lines.iter().filter_map(|line| line.split_once('='));
            let variables: Vec<_> =
                variables.map(|(name, value)| (format!("TELEKOMMO_{name}"), with_secrets(value))).collect();
            check_load(file, &variables, None);
        }
        _ => {
            let file = format!(
                "{}_file = \"secret\"",
                ["channel_secret", "token", "access_token"][usize::from(input.byte() % 3)]
            );
            let name = file.split_once("_file").map(|(name, _)| format!("\n{name} = ")).unwrap_or_default();
            let minimal = MINIMAL.lines().map(|line| if format!("\n{line}").starts_with(&name) { &file } else { line });
            let text: Vec<u8> = input.text().map_or(input.rest().to_vec(), |text| with_secrets(text).into_bytes());
            check_load(&minimal.collect::<Vec<_>>().join("\n"), &[], Some(&text));
        }
    }
}

/// Whether the bytes contain a part of a secret, which libFuzzer may have spliced in. Within the name of a setting,
/// which has to be shown, it cannot be recognised.
fn is_spliced(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    parts().any(|part| text.contains(&part.to_ascii_lowercase()))
}

/// The parts of secrets that must not be shown.
fn parts() -> impl Iterator<Item = &'static str> {
    let all = |secret: &'static str| (0..=secret.len() - PART_BYTES).map(|at| &secret[at..at + PART_BYTES]);
    MARKS.into_iter().flat_map(move |(_, secret)| all(secret)).filter(|part| !ADDRESS.contains(part))
}

fn with_secrets(text: &str) -> String {
    MARKS.iter().fold(text.to_owned(), |text, (mark, secret)| text.replace(mark, secret))
}

/// The minimal file with a few slips, each an inserted or a removed character.
fn with_slips(input: &mut Input<'_>) -> String {
    let mut text = MINIMAL.to_owned();
    for _ in 0..MAX_SLIPS {
        if input.is_empty() {
            break;
        }
        let (at, slip) = (input.below(text.len()), usize::from(input.byte()) % (SLIPS.len() + 1));
        match SLIPS.get(slip) {
            Some(typed) => text.insert(at, char::from(*typed)),
            None => drop(text.remove(at)),
        }
    }
    text
}

fn check_load(file: &str, variables: &[(String, String)], secret: Option<&[u8]>) {
    thread_local! {
        static HOME: OnceCell<TempDir> = const { OnceCell::new() };
    }
    let environment: Environment = variables.iter().filter(|(_, value)| !value.contains('\0')).cloned().collect();
    let loaded = HOME.with(|home| {
        let home = home.get_or_init(|| TempDir::new().expect("a folder"));
        let path = home.path().join("config.toml");
        fs::write(&path, file).expect("it can be written");
        if let Some(secret) = secret {
            fs::write(home.path().join("secret"), secret).expect("it can be written");
        }
        Config::load(Some(&path), &environment)
    });
    let shown = match loaded {
        Ok(config) => {
            assert_eq!(format!("{:?}", config.kommo.channel_secret), "ChannelSecret([secret])");
            assert!(config.sources.values().all(|source| format!("{:?}", source.token).contains("[secret]")));
            config.warnings.join("\n")
        }
        Err(error) => {
            assert!(!error.to_string().trim().is_empty(), "an error says what is wrong");
            format!("{error} {error:?}")
        }
    };
    let leak = parts().find(|part| shown.contains(part));
    assert!(leak.is_none(), "{shown}\nis shown for\n{file}\nwith {variables:?}");
    assert!(!format!("{environment:?}").contains(TOKEN));
}
