//! `telekommo sandbox`: the stage with its page, until somebody ends it.

use std::{
    fs,
    future::pending,
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use chrono::DateTime;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    app::App,
    cli::terminal,
    lifecycle::{Lifecycle, Signals},
    sandbox::{
        example_program::ExampleProgram,
        harness::{Harness, LINES, unused_address},
        kommo::FakeKommo,
        own_bridge,
        page::Page,
        switches::{Order, Switches},
        telegram::FakeTelegram,
        traffic::{Exchange, Traffic},
    },
};

/// What lets everything be tried: the account's token, groups, and a campaign.
const OPEN: [(&str, &str); 6] = [
    ("kommo.account_url", "\"{account_url}\""),
    ("kommo.access_token", "\"{access_token}\""),
    ("telegram.groups", "\"relay\""),
    ("campaigns.summer.tags", "[\"summer\"]"),
    ("campaigns.summer.utm_source", "\"telegram\""),
    ("campaigns.summer.utm_campaign", "\"summer sale\""),
];

/// Serves the page at `listen` and prints what passes, until SIGINT, SIGTERM or SIGHUP. `wanted` are more lines for the
/// bridge's configuration.
pub async fn run(listen: SocketAddr, wanted: &[String]) -> anyhow::Result<ExitCode> {
    let signals = Signals::at_terminal()?;
    let gateway = unused_address();
    let ours = OPEN.map(|(key, value)| (key, value.to_owned()));
    // Whoever tries a program of their own wants no other beside it.
    let has_own =
        wanted.iter().any(|line| ["gateway.", "programs."].iter().any(|key| line.trim_start().starts_with(key)));
    let program = if has_own { None } else { Some(ExampleProgram::new(gateway)?) };
    let example = program.iter().flat_map(|_| ExampleProgram::settings(gateway));
    let ours: Vec<_> = ours.into_iter().chain(example).collect();
    let mut stage = Harness::without_bridge(&settings(&ours, wanted))?;
    stage.furnish();
    stage.start_bridge().await?;
    let (switches, orders) = Switches::of_bridge(stage.bridge().map(App::store).cloned());
    let page = page(listen, &stage, Arc::clone(&switches), program.clone())?;
    let config = stage.write_config_for_commands()?;
    terminal::print(format_args!(
        "Open http://{} in a browser: a customer and a manager side by side.\n",
        reached(page.addr())
    ));
    terminal::print("Below is what passes between them. Ctrl+C ends it; nothing of it stays.\n");
    terminal::print(format_args!(
        "Try the other commands on it from another terminal, such as\n  telekommo check --config {}\n\n",
        config.display()
    ));
    let (telegram, kommo) = (stage.telegram.clone(), stage.kommo.clone());
    let ended = tokio::select! {
        () = watch((&telegram, &kommo), signals) => Ok(()),
        ended = obey(&mut stage, &switches, orders) => ended,
        () = answer(program) => Ok(()),
    };
    stage.stop_bridge().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// Lets the example program answer, if there is one. Never ends.
async fn answer(program: Option<ExampleProgram>) {
    match program {
        Some(program) => program.run().await,
        None => pending().await,
    }
}

/// Cuts the bridge off and starts it again as a visitor of the page wants it. Ends when the bridge does by itself.
async fn obey(stage: &mut Harness, switches: &Switches, mut orders: mpsc::Receiver<Order>) -> anyhow::Result<()> {
    loop {
        let stopped = stage.bridge().map(|bridge| bridge.lifecycle().stop_token());
        let by_itself = async {
            match stopped {
                Some(stopped) => stopped.cancelled_owned().await,
                None => pending().await,
            }
        };
        let order = tokio::select! {
            order = orders.recv() => order,
            () = by_itself => anyhow::bail!("the bridge has ended by itself"),
        };
        match order {
            Some(Order::CutOff) => {
                stage.cut_off_bridge().await;
                switches.bridge_has(None);
            }
            Some(Order::Start) if stage.bridge().is_none() => {
                stage.start_bridge().await?;
                stage.write_config_for_commands()?;
                switches.bridge_has(stage.bridge().map(App::store).cloned());
            }
            Some(Order::Start) => {}
            None => return Ok(()),
        }
    }
}

/// The same without a bridge, for a program in its place. The first line says in JSON where the fakes are and what they
/// know it by; after it stands a configuration with which `telekommo run` is that program. Kommo's hooks go to
/// `hooks_to`.
pub async fn fakes(listen: SocketAddr, hooks_to: Url) -> anyhow::Result<ExitCode> {
    let signals = Signals::at_terminal()?;
    let stage = Harness::without_bridge(&settings(&OPEN.map(|(key, value)| (key, value.to_owned())), &[]))?;
    let hooks_to = own_bridge::hook_url(&hooks_to, &stage);
    stage.kommo.set_hook_url(hooks_to.clone());
    let page = page(listen, &stage, Switches::without_bridge(), None)?;
    terminal::print(format_args!("{}\n", places(&stage, &page)));
    let file = stage.write_config_text(&own_bridge::config(&hooks_to, &stage)?)?;
    terminal::print(
        "\n# A configuration for your own bridge between these fakes. Start it from another terminal with\n",
    );
    terminal::print(format_args!("#   telekommo run --config {}\n", file.display()));
    terminal::print("# It is good until this sandbox ends: save these lines elsewhere to change them.\n");
    terminal::print(format_args!("{}\n", fs::read_to_string(&file)?));
    terminal::print("# Below is what passes. Ctrl+C ends it; nothing of it stays.\n\n");
    watch((&stage.telegram, &stage.kommo), signals).await;
    Ok(ExitCode::SUCCESS)
}

/// The lines of the bridge's configuration; what is wanted takes the place of ours.
fn settings(ours: &[(&str, String)], wanted: &[String]) -> String {
    let is_named = |key: &str| wanted.iter().any(|line| line.trim_start().starts_with(key));
    let ours = ours.iter().filter(|(key, _)| !is_named(key)).map(|(key, value)| format!("{key} = {value}\n"));
    ours.chain(wanted.iter().map(|line| format!("{line}\n"))).collect()
}

/// Where this machine reaches a listener: one that listens everywhere is reached at home.
fn reached(address: SocketAddr) -> SocketAddr {
    let home: IpAddr = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    if address.ip().is_unspecified() { SocketAddr::new(home, address.port()) } else { address }
}

fn page(
    listen: SocketAddr,
    stage: &Harness,
    switches: Arc<Switches>,
    program: Option<ExampleProgram>,
) -> anyhow::Result<Page> {
    if !listen.ip().is_loopback() {
        terminal::complain(&format!(
            "other machines reach the page at {listen}, and it asks for no password: anyone who opens it plays both \
             sides. Leave --listen out to keep it on this machine"
        ));
    }
    let sources = LINES.iter().map(|line| (line.source.to_owned(), line.token.to_owned())).collect();
    Page::start(listen, (stage.telegram.clone(), stage.kommo.clone()), sources, switches, program)
        .with_context(|| format!("cannot serve the page on {listen}: choose another address with --listen"))
}

/// The addresses, the bots and the channel. All of it is good for the fakes alone.
fn places(stage: &Harness, page: &Page) -> Value {
    let channel = stage.kommo.settings();
    let bots = LINES.map(|line| json!({ "source": line.source, "token": line.token }));
    json!({
        "page": format!("http://{}", reached(page.addr())),
        "telegram": { "api_url": stage.telegram.url(), "bots": bots },
        "kommo": {
            "chats_url": stage.kommo.url(),
            "account_url": stage.kommo.account_url(),
            "access_token": stage.kommo.access_token(),
            "channel_id": channel.channel_id,
            "channel_secret": channel.channel_secret,
            "account_id": channel.account_id,
            "scope_id": channel.scope_id(),
        },
    })
}

/// Prints what passes until a signal comes.
async fn watch((telegram, kommo): (&FakeTelegram, &FakeKommo), signals: Signals) {
    let lifecycle = Lifecycle::default();
    lifecycle.on_signals(signals);
    tokio::select! {
        () = lifecycle.stop_token().cancelled_owned() => {}
        () = print(telegram.traffic()) => {}
        () = print(kommo.traffic()) => {}
    }
}

/// Prints exchanges as they happen. Ends when the fake does.
async fn print(traffic: &Traffic) {
    let (mut news, mut seen) = (traffic.changed(), 0);
    loop {
        news.mark_unchanged();
        for exchange in traffic.since(seen) {
            seen = exchange.n;
            // A terminal that is gone takes no line; that is no reason to end without order.
            let _ = writeln!(io::stdout(), "{}", line(&exchange));
        }
        if news.changed().await.is_err() {
            return;
        }
    }
}

fn line(exchange: &Exchange) -> String {
    let time = DateTime::from_timestamp_millis(exchange.at_ms.0).unwrap_or_default().format("%H:%M:%S%.3f");
    let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    format!("{time}  {:>8} -> {:<8}  {status}  {}", exchange.from.name(), exchange.to.name(), exchange.what)
}
