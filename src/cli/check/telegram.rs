//! Checks the bots, and the files of a Bot API server of one's own.

use std::collections::BTreeMap;

use crate::{
    cli::check::{
        Finding,
        kommo::{fine, wrong},
    },
    config::{Config, Groups},
    domain::address::SourceId,
    media::disk::Disk,
    telegram::{bot::Bot, me::Me},
};

/// What a bot is needed for, besides the chats with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Whether groups are relayed.
    pub groups: bool,
    /// Whether what it does in people's own chats is set up.
    pub people: bool,
}

/// What a configuration needs bots for.
#[must_use]
pub fn needs(config: &Config) -> Needs {
    Needs { groups: config.telegram.groups == Groups::Relay, people: config.telegram.mark_read }
}

/// Asks about each bot.
pub async fn ask(bots: &BTreeMap<SourceId, Bot>, needs: Needs) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (source, bot) in bots {
        findings.extend(known(source, bot, needs).await);
    }
    findings
}

async fn known(source: &SourceId, bot: &Bot, needs: Needs) -> Vec<Finding> {
    let about = "Bot";
    match bot.greet().await {
        Ok(()) => {
            let me = bot.me().await.unwrap_or_default();
            let called = me.username.as_ref().map(|username| format!(" is @{username}")).unwrap_or_default();
            let way = bot.place().proxy.map(|proxy| format!(", through the proxy {}", proxy.host)).unwrap_or_default();
            let known = fine(about, format!("the bot of source {source}{called}{way}"));
            std::iter::once(known).chain(lacking(source, &me, needs)).collect()
        }
        Err(failure) => vec![wrong(about, format!("the bot of source {source}: {}", failure.why()))],
    }
}

/// What the bot's settings keep from working. Where Telegram does not say how they are, nothing is said.
fn lacking(source: &SourceId, me: &Me, needs: Needs) -> Vec<Finding> {
    let privacy = (needs.groups && me.sees_groups == Some(false)).then(|| {
        fine("Groups", format!("the bot of source {source} sees only what is addressed to it in groups (privacy mode). \
                                Send /setprivacy to @BotFather, choose Disable, then remove the bot from its groups and \
                                add it again. Bots that are administrators of the group do not need this"))
    });
    let business = (needs.people && me.can_answer_for_people == Some(false)).then(|| {
        wrong(
            "Own chats",
            format!(
                "employees cannot let the bot of source {source} answer in their own chats, although `telegram.mark_read` \
                 is set. Switch on Business Mode: @BotFather, /mybots, Bot Settings, Business Mode"
            ),
        )
    });
    privacy.into_iter().chain(business).collect()
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
