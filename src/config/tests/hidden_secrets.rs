//! Messages where a secret is near, word by word. None shows it.

use insta::assert_snapshot;

use super::{
    Folder, LEAST, SECRET, TOKEN,
    mistake::{
        CHANNEL_LINE,
        Mistake::{InFile, InVariables},
        SECRET_LINE, TOKEN_LINE, messages,
    },
};

#[test]
fn secrets_are_not_shown() {
    assert_snapshot!(
        messages(&[
            InFile(TOKEN_LINE, "token = \"hush\""),
            InFile(SECRET_LINE, "channel_secret = 5550100"),
            InVariables(&[("TELEKOMMO_KOMMO__CHANNEL_SECRET", "123")]),
            InVariables(&[("TELEKOMMO_KOMMO__ACCESS_TOKEN", "hush hush")]),
            InVariables(&[("TELEKOMMO_KOMMO__BOT_ID", "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1")]),
            InFile(TOKEN_LINE, "token = \"1:hush\"\ntoken_file = \"sales-token\""),
            InVariables(&[("TELEKOMMO_SOURCES__SALES__TOKEN", "1:hush"), ("TELEKOMMO_SOURCES__SALES__TOKEN_FILE", "x")]),
            InVariables(&[("TELEKOMMO_SOURCES__OTHER__TOKEN", "123456789:hush"), ("TELEKOMMO_SOURCES__OTHER__NAME", "Other")]),
        ]),
        @r#"
    > token = "hush"

    config.toml: sources.sales.token: the value is not a bot token: write it as @BotFather gave it, such as "123456:ABC-def_1"

    > channel_secret = 5550100

    config.toml: kommo.channel_secret: the value is not a channel secret: write the 40 hexadecimal characters of the support's answer

    > TELEKOMMO_KOMMO__CHANNEL_SECRET=123

    TELEKOMMO_KOMMO__CHANNEL_SECRET: the value is not a channel secret: write the 40 hexadecimal characters of the support's answer

    > TELEKOMMO_KOMMO__ACCESS_TOKEN=hush hush

    TELEKOMMO_KOMMO__ACCESS_TOKEN: the value is not a token: write it in one piece, without spaces

    > TELEKOMMO_KOMMO__BOT_ID=123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1

    TELEKOMMO_KOMMO__BOT_ID: the value (not shown, it looks like a secret) is not a UUID: write 36 characters such as "52e591f7-c98f-4255-8495-827210138c81"

    > token = "1:hush"
    > token_file = "sales-token"

    config.toml: sources.sales.token: sources.sales.token_file is given as well: keep one of the two

    > TELEKOMMO_SOURCES__SALES__TOKEN=1:hush
    > TELEKOMMO_SOURCES__SALES__TOKEN_FILE=x

    TELEKOMMO_SOURCES__SALES__TOKEN: TELEKOMMO_SOURCES__SALES__TOKEN_FILE is given as well: keep one of the two

    > TELEKOMMO_SOURCES__OTHER__TOKEN=123456789:hush
    > TELEKOMMO_SOURCES__OTHER__NAME=Other

    config.toml: sources.sales.token: the same bot (123456789) as source "other": give each source its own
    "#
    );
}

#[test]
fn missing_values_are_told() {
    assert_snapshot!(
        messages(&[
            InFile(CHANNEL_LINE, "# channel_id"),
            InFile(SECRET_LINE, "# channel_secret"),
            InFile("[sources.sales]", "[sources.sales]\n[sources.empty]\ntoken = \"1:hush\"\nname = \"x\"\n[sources.\"a \
                                       b\"]"),
            InFile("[sources.sales]", "[sources.\"a b\"]\nname = \"x\"\n[sources.sales]"),
        ]),
        @r#"
    > # channel_id

    config.toml: kommo.channel_id is missing: write channel_id under [kommo], or set TELEKOMMO_KOMMO__CHANNEL_ID

    > # channel_secret

    config.toml: kommo.channel_secret is missing: write channel_secret or channel_secret_file under [kommo], or set TELEKOMMO_KOMMO__CHANNEL_SECRET

    > [sources.sales]
    > [sources.empty]
    > token = "1:hush"
    > name = "x"
    > [sources."a b"]

    config.toml: sources.sales.token is missing: write token or token_file under [sources.sales], or set TELEKOMMO_SOURCES__SALES__TOKEN
    config.toml: sources.sales.name is missing: write name under [sources.sales], or set TELEKOMMO_SOURCES__SALES__NAME

    > [sources."a b"]
    > name = "x"
    > [sources.sales]

    config.toml: sources."a b".token is missing: write token or token_file under [sources."a b"]
    "#
    );
}

#[test]
fn bad_syntax_is_reported() {
    assert_snapshot!(
        messages(&[
            InFile("[server]", "[server]\nlisten = 127.0.0.1:8080"),
            InFile("[server]", "[server"),
            InFile(TOKEN_LINE, "token = 123456789:hush"),
            InFile(TOKEN_LINE, "token =\n\"123456789:hush"),
            InFile(TOKEN_LINE, "token = 12345678901234567890123"),
            InFile(TOKEN_LINE, "token = \"123456789:hush\"\ntoken = \"123456789:hush\""),
            InFile(TOKEN_LINE, "token = \"\"\"123456789:hush"),
            InFile(TOKEN_LINE, "tokn = hush"),
            InFile(TOKEN_LINE, "token = \"hu\\sh\""),
            InFile(SECRET_LINE, "channel_secret = f2d7f8704eff95087ed45b23ba99c0b5aac8278e"),
        ]),
        @r#"
    > [server]
    > listen = 127.0.0.1:8080

    config.toml:3:15: expected newline, `#`: compare with config.toml.example, where texts have quotes: listen = 127.0.0.1:8080

    > [server

    config.toml:2:8: invalid table header, expected `.`, `]`: compare with config.toml.example, where texts have quotes: [server

    > token = 123456789:hush

    config.toml:11:18: expected newline, `#`: compare with config.toml.example, where texts have quotes: (the line is not shown, it may hold a secret)

    > token =
    > "123456789:hush

    config.toml:11:8: invalid string, expected `"`, `'`: compare with config.toml.example, where texts have quotes: (the line is not shown, it may hold a secret)

    > token = 12345678901234567890123

    config.toml:11:9: number too large to fit in target type: compare with config.toml.example, where texts have quotes: (the line is not shown, it may hold a secret)

    > token = "123456789:hush"
    > token = "123456789:hush"

    config.toml:12:1: this key is there twice in its section: keep one of the two lines: (the line is not shown, it may hold a secret)

    > token = """123456789:hush

    config.toml:13:1: invalid multiline basic string: compare with config.toml.example, where texts have quotes: (the line is not shown, it may hold a secret)

    > tokn = hush

    config.toml:11:8: invalid string, expected `"`, `'`: compare with config.toml.example, where texts have quotes: (the line is not shown, it may hold a secret)

    > token = "hu\sh"

    config.toml:11:14: invalid escape sequence, expected `b`, `f`, `n`, `r`, `t`, `u`, `U`, `\`, `"`: compare with config.toml.example, where texts have quotes: (the line is not shown, it may hold a secret)

    > channel_secret = f2d7f8704eff95087ed45b23ba99c0b5aac8278e

    config.toml:7:18: invalid string, expected `"`, `'`: compare with config.toml.example, where texts have quotes: (the line is not shown, it may hold a secret)
    "#
    );
}

/// One character too many or too few, anywhere in the file, whole secrets and long parts of them included.
#[test]
fn no_slip_of_the_pen_shows_a_secret() {
    let parts: Vec<_> = [TOKEN, SECRET].iter().flat_map(|secret| secret.as_bytes().windows(12)).collect();
    let (folder, mut checked) = (Folder::new(LEAST), 0);
    for at in 0..=LEAST.len() {
        let (before, after) = LEAST.split_at(at);
        let typed = ["\"", "'", "\n", "=", "[", "]", "{", "#", "."].map(|slip| format!("{before}{slip}{after}"));
        let lost = format!("{before}{}", after.get(1..).unwrap_or_default());
        for text in typed.into_iter().chain([lost]) {
            folder.write("config.toml", &text, 0o644);
            let Err(error) = folder.load(&[]) else { continue };
            let shown = format!("{error} {error:?}");
            let leak = parts.iter().find(|part| shown.as_bytes().windows(part.len()).any(|run| run == **part));
            assert!(leak.is_none(), "{shown}\nis in the message about\n{text}");
            checked += 1;
        }
    }
    assert!(checked > 1000, "{checked}");
}

#[test]
fn a_wrong_proxy_is_reported_without_its_password() {
    assert_snapshot!(
        messages(&[
            InVariables(&[("TELEKOMMO_TELEGRAM__PROXY", "proxy.example.com:3128")]),
            InVariables(&[("TELEKOMMO_TELEGRAM__PROXY", "socks4://user:hush@10.0.0.1:1080")]),
            InVariables(&[("TELEKOMMO_KOMMO__PROXY", "http://user:hu#sh@10.0.0.1:3128")]),
            InVariables(&[("TELEKOMMO_KOMMO__PROXY", "http://10.0.0.1:3128"), ("TELEKOMMO_KOMMO__PROXY_FILE", "x")]),
        ]),
        @r#"
    > TELEKOMMO_TELEGRAM__PROXY=proxy.example.com:3128

    TELEKOMMO_TELEGRAM__PROXY: the value is not the address of a proxy: write one such as "http://proxy.example.com:3128" or "socks5h://user:password@10.0.0.1:1080" (http, https, socks5 or socks5h; special characters of a user and a password as %40), or "none"

    > TELEKOMMO_TELEGRAM__PROXY=socks4://user:hush@10.0.0.1:1080

    TELEKOMMO_TELEGRAM__PROXY: the value is the address of a SOCKS proxy of a kind that is not supported: write socks5:// or socks5h://

    > TELEKOMMO_KOMMO__PROXY=http://user:hu#sh@10.0.0.1:3128

    TELEKOMMO_KOMMO__PROXY: the value has something behind the host and the port of the proxy: end the address there, and write special characters of a user and a password as %23 (for #), %2F (for /) or %3F (for ?)

    > TELEKOMMO_KOMMO__PROXY=http://10.0.0.1:3128
    > TELEKOMMO_KOMMO__PROXY_FILE=x

    TELEKOMMO_KOMMO__PROXY: TELEKOMMO_KOMMO__PROXY_FILE is given as well: keep one of the two
    "#
    );
}
