//! How the operator's own Bot API server stands: whether it answers, and whether its files can be read.

use std::collections::BTreeMap;

use crate::{
    domain::{address::SourceId, retry::Failure},
    media::disk::Disk,
    operate::check::{
        Finding,
        kommo::{fine, wrong},
    },
    telegram::bot::Bot,
};

/// Asks the server about each bot. `disk` is what came of opening its directory.
pub async fn ask(bots: &BTreeMap<SourceId, Bot>, disk: anyhow::Result<Option<Disk>>) -> Vec<Finding> {
    vec![server(bots).await, files(disk)]
}

async fn server(bots: &BTreeMap<SourceId, Bot>) -> Finding {
    let about = "Server";
    for (source, bot) in bots {
        let why = match bot.greet().await {
            Ok(()) => continue,
            Err(Failure::Transient { why, .. } | Failure::Blocked { why }) => why,
            Err(Failure::Permanent(refusal)) => refusal.sentence,
        };
        return wrong(about, format!("does not answer for source {source}: {why}"));
    }
    fine(about, format!("answers for all {} bots", bots.len()))
}

fn files(disk: anyhow::Result<Option<Disk>>) -> Finding {
    let about = "Files";
    match disk {
        Ok(Some(_)) => fine(about, "telegram.local_dir can be read"),
        Ok(None) => fine(about, "fetched from the server"),
        Err(error) => wrong(about, format!("{error:#}")),
    }
}
