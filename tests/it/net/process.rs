//! The binary, in an environment that leads out by a proxy, or with authorities of its own.

use std::collections::HashMap;

use rustix::process::Signal;
use telekommo::sandbox::harness::{ANNA, Harness, LINES, Line, unused_address};

use super::{
    pki::{Authority, Flaw},
    proxies::{FakeProxy, Manners, Speaks},
    servers::speak_tls,
};
use crate::{
    binary::process::{Process, finished, run, text, with_config},
    support::{WITHIN, in_kommo},
};

const SALES: Line = LINES[0];

/// What `check` says, in one line, and its exit code.
async fn check(stage: &Harness, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = with_config("check", &stage.write_config().unwrap());
    command.envs(variables.iter().copied());
    let output = finished(command).await;
    let said = format!("{} {}", text(&output.stdout), text(&output.stderr));
    (output.status.code(), said.split_whitespace().collect::<Vec<_>>().join(" "))
}

async fn crosses(stage: &Harness) {
    stage.telegram.write(SALES.token, ANNA, "hello");
    let there = |stage: &Harness| in_kommo(stage, SALES, ANNA) == ["hello"];
    stage.until("the message is in Kommo", WITHIN, there).await.unwrap();
}

#[tokio::test]
async fn the_environment_leads_through_socks_unless_the_configuration_says_otherwise() {
    for (settings, is_telegram_proxied) in
        [("#telegram.proxy\n#kommo.proxy\n", true), ("telegram.proxy = \"none\"\n#kommo.proxy\n", false)]
    {
        let stage = Harness::without_bridge(settings).unwrap();
        let proxy = FakeProxy::socks5().await;
        let mut command = run(&stage);
        command.env("ALL_PROXY", format!("socks5h://{}", proxy.address));
        let process = Process::start(&stage, command).await;
        crosses(&stage).await;
        assert!(proxy.was_asked_for(&stage.kommo.address().to_string()), "{:?}", proxy.asked());
        let was_asked = proxy.was_asked_for(&stage.telegram.address().to_string());
        assert_eq!(was_asked, is_telegram_proxied, "{:?}", proxy.asked());
        assert!(process.end(Signal::TERM).await.status.success());
    }
}

#[tokio::test]
async fn none_goes_out_directly_whatever_the_environment_says() {
    let stage = Harness::without_bridge("").unwrap();
    let nobody = unused_address();
    let nobody = format!("http://{nobody}");
    let variables = ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy"].map(|name| (name, nobody.as_str()));
    let mut command = run(&stage);
    command.envs(variables);
    let process = Process::start(&stage, command).await;
    crosses(&stage).await;
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn a_proxy_that_does_not_work_is_named_everywhere_and_its_password_nowhere() {
    let stage = Harness::without_bridge("").unwrap();
    let nobody = unused_address();
    let locked = Manners { credentials: Some(("somebody", "else")), ..Manners::of(Speaks::Http) };
    let locked = FakeProxy::start(locked).await.address;
    let mut stage = stage;
    stage.configure(&format!(
        "telegram.proxy = \"socks5h://hushuser:hushpassword@{nobody}\"\nkommo.proxy = \
         \"http://hushuser:hush%40password@{locked}\"\nkommo.chats_url = \"https://kommo.test\"\n"
    ));
    let (code, said) = check(&stage, &[]).await;
    assert_eq!(code, Some(1));
    let telegram = format!("through the proxy {nobody}: the proxy cannot be reached: connection refused");
    let kommo =
        format!("kommo.test through the proxy {locked}: the proxy does not accept the user and the password (407)");
    assert!(said.contains(&telegram) && said.contains(&kommo), "{said}");
    let mut command = run(&stage);
    command.env("TELEKOMMO_LOG__LEVEL", "trace,hyper=trace,reqwest=trace,hyper_util=trace");
    let process = Process::spawn(command);
    process.logged(&telegram).await;
    process.logged(&kommo).await;
    let admin = process.ports().await.admin;
    let ready = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = ready.get(format!("http://{admin}/ready")).send().await.unwrap().text().await.unwrap();
    assert!(ready.contains(&telegram), "{ready}");
    let log = process.end(Signal::TERM).await.stderr;
    let coded = ["hushuser", "hushpassword", "hush%40password", "hush@password", "aHVzaHVzZXI6"];
    for hushed in coded {
        for shown in [&said, &ready, &log] {
            assert!(!shown.contains(hushed), "{hushed} is shown: {shown}");
        }
    }
}

#[tokio::test]
async fn check_tries_every_way_and_says_through_which_proxy() {
    let mut stage = Harness::without_bridge("").unwrap();
    let (telegram, kommo) = (stage.telegram.address(), stage.kommo.address());
    let socks = FakeProxy::socks5().await;
    let account = stage.kommo.account_url();
    let account_at = account.trim_start_matches("http://").parse().unwrap();
    let names = HashMap::from([("kommo.test", kommo), ("account.test", account_at), ("files.corp.test", kommo)]);
    let http = FakeProxy::start(Manners { names, ..Manners::of(Speaks::Http) }).await;
    let account = account.replace("127.0.0.1", "account.test");
    let settings = format!(
        "telegram.proxy = \"socks5h://{}\"\nkommo.proxy = \"http://{}\"\nkommo.chats_url = \"http://kommo.test:{}\"\n\
         kommo.account_url = \"{account}\"\nkommo.access_token = \"{{access_token}}\"\n",
        socks.address,
        http.address,
        kommo.port()
    );
    stage.configure(&format!("{settings}kommo.media_hosts = [\"files.corp.test\"]\n"));
    let (_, said) = check(&stage, &[]).await;
    let (by_socks, by_http) =
        (format!("through the proxy {}", socks.address), format!("through the proxy {}", http.address));
    let port = kommo.port();
    for words in [
        format!("Chats API http://kommo.test:{port}, {by_http}"),
        format!("Account's API {account}, {by_http}"),
        format!("Bot API http://{telegram}, {by_socks}"),
        format!("connected to the account, {by_http}"),
        format!("the bot of source sales is @acme_sales_bot, {by_socks}"),
        format!("the server of customers' files answers at {telegram} {by_socks}"),
        format!("managers' files can be fetched from kommo.test:{port} {by_http}"),
        format!("managers' files can be fetched from files.corp.test {by_http}"),
    ] {
        assert!(said.contains(&words), "{words}: {said}");
    }
    stage.configure(&format!("{settings}kommo.media_hosts = [\"gone.corp.test\"]\n"));
    let (code, said) = check(&stage, &[]).await;
    let gone = format!(
        "managers' files cannot be fetched from gone.corp.test: the file cannot be fetched: gone.corp.test {by_http}: \
         the proxy answered 502"
    );
    assert!(code == Some(1) && said.contains(&gone), "{said}");
}

/// A stage whose Bot API is behind a TLS server with this flaw.
async fn behind_tls(authority: &Authority, flaw: Flaw) -> Harness {
    let mut stage = Harness::without_bridge("").unwrap();
    let server = speak_tls(authority.acceptor(flaw), stage.telegram.address()).await;
    stage.configure(&format!("telegram.api_url = \"https://{server}\"\n"));
    stage
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_beside_those_that_are_built_in() {
    let authority = Authority::new();
    let stage = behind_tls(&authority, Flaw::Nothing).await;
    let file = stage.dir().join("ca.pem");
    authority.write(&file);
    let file = file.to_str().unwrap();
    let (code, said) = check(&stage, &[("SSL_CERT_FILE", file)]).await;
    assert_eq!(code, Some(0), "{said}");
    let folder = stage.dir().join("certs");
    std::fs::create_dir(&folder).unwrap();
    authority.write(&folder.join("own.pem"));
    let (code, said) = check(&stage, &[("SSL_CERT_DIR", folder.to_str().unwrap())]).await;
    assert_eq!(code, Some(0), "{said}");
    let mut command = run(&stage);
    command.env("SSL_CERT_FILE", file);
    let process = Process::start(&stage, command).await;
    crosses(&stage).await;
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn a_certificate_that_is_not_good_is_told_with_what_is_wrong() {
    let authority = Authority::new();
    let cases = HashMap::from([
        (Flaw::Expired, "the certificate has expired, or this machine's clock is wrong"),
        (Flaw::NotYet, "the certificate is not valid yet, or this machine's clock is wrong"),
        (Flaw::OtherName, "the certificate is for another name: other.test"),
        (Flaw::Authority, "the certificate is an authority's own, not a server's"),
    ]);
    for (flaw, words) in cases {
        let stage = behind_tls(&authority, flaw).await;
        let file = stage.dir().join("ca.pem");
        authority.write(&file);
        let (code, said) = check(&stage, &[("SSL_CERT_FILE", file.to_str().unwrap())]).await;
        assert!(code == Some(1) && said.contains(&format!("TLS: {words}")), "{flaw:?}: {said}");
    }
    let stage = behind_tls(&Authority::new(), Flaw::Nothing).await;
    let (code, said) = check(&stage, &[]).await;
    assert!(code == Some(1) && said.contains("not trusted here") && said.contains("SSL_CERT_FILE"), "{said}");
}

#[tokio::test]
async fn a_store_of_certificates_that_is_broken_is_told_and_costs_nothing_else() {
    let stage = Harness::without_bridge("").unwrap();
    let junk = stage.dir().join("junk.pem");
    std::fs::write(&junk, "-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n").unwrap();
    let junk = junk.to_str().unwrap();
    for (name, value) in [("SSL_CERT_FILE", "/nowhere/ca.pem"), ("SSL_CERT_DIR", "/nowhere"), ("SSL_CERT_FILE", junk)] {
        let (code, said) = check(&stage, &[(name, value)]).await;
        assert!(code == Some(0) && said.contains("Warning") && said.contains("SSL_CERT_FILE"), "{value}: {said}");
        let mut command = run(&stage);
        command.env(name, value);
        let process = Process::start(&stage, command).await;
        process.logged("not all trusted certificates of this machine can be read").await;
        assert!(process.end(Signal::TERM).await.status.success());
    }
}
