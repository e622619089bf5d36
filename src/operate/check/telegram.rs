//! How Telegram stands: whether it knows the bots, and whether the files of an own server can be read.

use std::collections::BTreeMap;

use crate::{
    domain::address::SourceId,
    media::disk::Disk,
    operate::check::{
        Finding,
        kommo::{fine, wrong},
    },
    telegram::bot::Bot,
};

/// Asks about each bot.
pub async fn ask(bots: &BTreeMap<SourceId, Bot>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (source, bot) in bots {
        findings.push(known(source, bot).await);
    }
    findings
}

async fn known(source: &SourceId, bot: &Bot) -> Finding {
    let about = "Bot";
    let why = match bot.greet().await {
        Ok(()) => {
            let username = bot.username().await.ok().flatten();
            let called = username.map(|username| format!(" is @{username}")).unwrap_or_default();
            let way = bot.place().proxy.map(|proxy| format!(", through the proxy {}", proxy.host)).unwrap_or_default();
            return fine(about, format!("that of source {source}{called}{way}"));
        }
        Err(failure) => failure.why().into_owned(),
    };
    wrong(about, format!("that of source {source}: {why}"))
}

/// What came of opening the directory of an own server.
#[must_use]
pub fn files(disk: anyhow::Result<Option<Disk>>) -> Finding {
    let about = "Files";
    match disk {
        Ok(Some(_)) => fine(about, "telegram.local_dir can be read"),
        Ok(None) => fine(about, "fetched from the server"),
        Err(error) => wrong(about, format!("{error:#}")),
    }
}
