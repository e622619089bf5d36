//! Checks the bots, and the files of a Bot API server of one's own.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;

use crate::{
    cli::check::{finding::Finding, fine, unknown, warning, wrong},
    config::{Config, Groups},
    domain::address::SourceId,
    media::disk::Disk,
    telegram::{bot::Bot, me::Me},
};

/// How long a poll is held to see whether another program ends it: each of them comes back within some seconds.
const LISTENED_FOR: Duration = Duration::from_secs(5);

/// What a bot is needed for, besides the chats with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// Whether groups are relayed.
    pub(super) groups: bool,
    /// Whether what it does in people's own chats is set up.
    pub(super) people: bool,
}

/// What a configuration needs bots for.
pub(super) fn needs(config: &Config) -> Needs {
    Needs { groups: config.telegram.groups == Groups::Relay, people: config.telegram.mark_read }
}

/// Asks about each bot. If no bridge polls them, waits for `patience` to see whether another program does.
pub(super) async fn ask(bots: &BTreeMap<SourceId, Bot>, needs: Needs, patience: Option<Duration>) -> Vec<Finding> {
    let asked = bots.iter().map(|(source, bot)| known(source, bot, needs, patience));
    join_all(asked).await.concat()
}

async fn known(source: &SourceId, bot: &Bot, needs: Needs, patience: Option<Duration>) -> Vec<Finding> {
    let about = "Bot";
    let mut findings: Vec<_> = match bot.greet().await {
        Ok(()) => {
            let me = bot.me().await.unwrap_or_default();
            let called = me.username.as_ref().map(|username| format!(" is @{username}")).unwrap_or_default();
            let way = bot.place().proxy.map(|proxy| format!(", through the proxy {}", proxy.host)).unwrap_or_default();
            let known = fine(about, format!("the bot of source {source}{called}{way}"));
            std::iter::once(known).chain(lacking(source, &me, needs)).collect()
        }
        Err(failure) => {
            return vec![wrong(about, format!("the bot of source {source}: {}", failure.why())).of(source)];
        }
    };
    findings.extend(rivals(source, bot, patience).await);
    findings.into_iter().map(|finding| finding.of(source)).collect()
}

/// Who else takes what customers write to the bot.
async fn rivals(source: &SourceId, bot: &Bot, patience: Option<Duration>) -> Vec<Finding> {
    let (webhook, poller) = ("Webhook", "Poller");
    match bot.webhook().await {
        Ok(None) => {}
        Ok(Some(set)) => return vec![wrong(webhook, set_elsewhere(source, &set.host()))],
        Err(error) => return vec![unknown(webhook, format!("the bot of source {source}: {error}"))],
    }
    let mut findings = vec![fine(webhook, format!("none is set for the bot of source {source}"))];
    if let Some(patience) = patience {
        findings.push(match bot.is_polled_by_another(patience.min(LISTENED_FOR)).await {
            Ok(false) => fine(poller, format!("nobody polls the bot of source {source}")),
            Ok(true) => wrong(
                poller,
                format!(
                    "another program polls the bot of source {source}, and takes what customers write: stop it, or \
                     give telekommo a bot of its own. If nobody knows it, send /revoke to @BotFather for a new token"
                ),
            ),
            Err(error) => unknown(poller, format!("the bot of source {source}: {error}")),
        });
    }
    findings
}

fn set_elsewhere(source: &SourceId, host: &str) -> String {
    format!(
        "a webhook of {host} takes what customers write to the bot of source {source}: disconnect the bot there \
         (Kommo's own Telegram integration sets one), let `telekommo programs adopt` take over one of your own program, \
         or call deleteWebhook with its token"
    )
}

/// What the bot's settings keep from working. Where Telegram does not say how they are, nothing is said.
fn lacking(source: &SourceId, me: &Me, needs: Needs) -> Vec<Finding> {
    let privacy = (needs.groups && me.sees_groups == Some(false)).then(|| {
        warning(
            "Groups",
            format!(
                "the bot of source {source} sees only what is addressed to it in groups (privacy \
            mode). Send /setprivacy to @BotFather, choose Disable, then remove the bot from its groups and add it \
            again. Bots that are administrators of the group do not need this"
            ),
        )
    });
    let business = (needs.people && me.can_answer_for_people == Some(false)).then(|| {
        wrong(
            "Own chats",
            format!(
                "employees cannot let the bot of source {source} answer in their own chats, although \
                 `telegram.mark_read` is set. Switch on Business Mode: @BotFather, /mybots, Bot Settings, Business Mode"
            ),
        )
    });
    privacy.into_iter().chain(business).collect()
}

/// What came of opening the directory of an own server.
pub(super) fn files(disk: anyhow::Result<Option<Disk>>) -> Finding {
    let about = "Files";
    match disk {
        Ok(Some(_)) => fine(about, "telegram.local_dir can be read"),
        Ok(None) => fine(about, "fetched from the server"),
        Err(error) => wrong(about, format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_botfather_has_to_switch_is_said_where_it_is_needed() {
        let source = SourceId::parse("sales").unwrap();
        let about = |sees_groups, can_answer_for_people, groups, people| {
            let me = Me { username: None, sees_groups, can_answer_for_people };
            lacking(&source, &me, Needs { groups, people }).into_iter().map(|it| it.about).collect::<Vec<_>>()
        };
        assert_eq!(about(Some(false), Some(false), true, true), ["Groups", "Own chats"]);
        assert_eq!(about(Some(false), Some(false), false, false), Vec::<&str>::new());
        assert_eq!(about(Some(true), Some(true), true, true), Vec::<&str>::new());
        assert_eq!(about(None, None, true, true), Vec::<&str>::new());
        assert_eq!(about(Some(false), Some(true), true, true), ["Groups"]);
    }
}
