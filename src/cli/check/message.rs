//! `telekommo check --message`: a message that really crosses, there and back, with the time of each way.

use std::{cmp::Reverse, future::Future, time::Duration};

use anyhow::{Context, bail};
use reqwest::{ClientBuilder, Method, Response, StatusCode};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    admin::{channel::refusal, chats::ChatEntry},
    app,
    cli::{
        bridge::{self, Running},
        connect, history, terminal,
    },
    clock,
    config::{AlertBot, AlertTarget, Config},
    domain::{
        address::{Conversation, SourceId},
        time::UnixMillis,
    },
    kommo::chats::Chats,
    telegram::bot::Bot,
    translate::from_history::{self, Past},
};

/// How long a person may take to write something.
const WRITTEN_WITHIN: Duration = Duration::from_mins(10);
/// How long a message may take from one side to the other.
const CROSSED_WITHIN: Duration = Duration::from_mins(2);
/// How many conversations, the newest first, to search for the message.
const LOOKED_THROUGH: usize = 3;
/// How often to check whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// By how much the clocks of the three sides may differ for what was just written to count as new.
const CLOCKS_DIFFER: Duration = Duration::from_mins(2);
/// How long the bridge may take to answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// Who takes part.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct TestRecipient {
    /// The source whose bot it is; the first one otherwise.
    pub(in crate::cli) source: Option<String>,
    /// The chat of the person with that bot; it is asked for otherwise.
    pub(in crate::cli) chat: Option<i64>,
}

/// Sends a message there and back, and says how long each way took.
///
/// # Errors
/// If no bridge runs, nobody writes, or a message does not arrive.
pub(in crate::cli) async fn cross(config: &Config, recipient: &TestRecipient) -> anyhow::Result<()> {
    let (trial, bot) = Trial::open(config, recipient.source.as_deref()).await?;
    let (conversation, old) = match trial.chat(config, recipient) {
        Some(chat) => trial.ask(&bot, chat).await?,
        None => (trial.wait_for_somebody().await?, Vec::new()),
    };
    let there = trial.follow_to_kommo(&conversation, &old).await?;
    trial.follow_back(&conversation, &there).await?;
    terminal::say("A message has crossed both ways.\n");
    Ok(())
}

fn bot_of(config: &Config, wanted: Option<&str>) -> anyhow::Result<(SourceId, Bot)> {
    let bots = app::bots(config)?;
    let found = match wanted {
        Some(wanted) => bots.into_iter().find(|(source, _)| source.as_str() == wanted),
        None => bots.into_iter().next(),
    };
    found.with_context(|| format!("there is no source {} in the configuration", wanted.unwrap_or_default()))
}

/// The chat in which the bot of this source tells the owner of trouble.
fn owner(config: &Config, source: &SourceId) -> Option<i64> {
    config.alerts.targets.values().find_map(|target| match target {
        AlertTarget::Telegram { chat, bot: AlertBot::Source(of) } if of == source && *chat > 0 => Some(*chat),
        _ => None,
    })
}

/// A conversation of the operator's own, in which something is tried by the running bridge.
pub(super) struct Trial {
    pub(super) running: Running,
    pub(super) chats: Chats,
    /// The bot's public name.
    pub(super) bot: String,
    pub(super) source: SourceId,
    began: UnixMillis,
}

impl Trial {
    /// With the bot of the source that is `wanted`, or else of the first.
    ///
    /// # Errors
    /// If no bridge runs, or the bot or the account is not known.
    pub(super) async fn open(config: &Config, wanted: Option<&str>) -> anyhow::Result<(Self, Bot)> {
        let running = bridge::running(config).context("a message crosses by the running bridge: start it first")?;
        let (chats, _) = connect::chats(config).await?;
        let (source, bot) = bot_of(config, wanted)?;
        let name = bot.username().await.map_err(|error| anyhow::anyhow!("the bot of source {source}: {error}"))?;
        Ok((Self { running, chats, bot: name.unwrap_or_default(), source, began: clock::now() }, bot))
    }

    /// The operator's chat with the bot, if somebody has named it.
    pub(super) fn chat(&self, config: &Config, recipient: &TestRecipient) -> Option<i64> {
        recipient.chat.or_else(|| owner(config, &self.source))
    }

    /// Lets the bot ask for an answer in a chat that is known, and returns what Kommo has of it so far.
    async fn ask(&self, bot: &Bot, chat: i64) -> anyhow::Result<(Conversation, Vec<Past>)> {
        let conversation = Conversation::new(self.source.clone(), chat);
        let old = self.newest(&conversation).await?;
        let began = Instant::now();
        let text = "This is a test of telekommo. Please answer with: ok".to_owned();
        let sent = bot.notify(chat, text).await;
        sent.map_err(|failure| {
            anyhow::anyhow!(
                "the bot @{} cannot write to the chat {chat}: {}. Has its owner opened the bot once?",
                self.bot,
                failure.why()
            )
        })?;
        terminal::print(format_args!("The bot @{} wrote to you: {}\n", self.bot, shown(began.elapsed())));
        terminal::say("Answer it in Telegram with: ok\n");
        Ok((conversation, old))
    }

    /// Waits until somebody writes a number to the bot that only this command has told: customers write meanwhile, too.
    pub(super) async fn wait_for_somebody(&self) -> anyhow::Result<Conversation> {
        let (bot, number) = (&self.bot, fastrand::u32(100_000..1_000_000).to_string());
        let since = self.began.minus(CLOCKS_DIFFER);
        terminal::say(&format!(
            "Write the number {number} to @{bot} from your own Telegram account: https://t.me/{bot}\n"
        ));
        let somebody = async || {
            let path = format!("/chats?source={}", self.source);
            let rows: Vec<ChatEntry> = serde_json::from_slice(&self.get(&path).await?.bytes().await?)?;
            let mut rows: Vec<_> = rows.into_iter().filter(|row| row.last_message_at >= Some(self.began)).collect();
            rows.sort_by_key(|row| Reverse(row.last_message_at));
            // Each is a call of Kommo's, which the bridge needs as well.
            for row in rows.into_iter().take(LOOKED_THROUGH) {
                let written = self.newest(&row.conversation).await?;
                // A customer's order number must not make them the operator.
                let is_it = |past: &Past| !past.is_answer && past.at >= since && past.text.trim() == number;
                if written.iter().any(is_it) {
                    return Ok(Some(row.conversation));
                }
            }
            Ok(None)
        };
        match until(WRITTEN_WITHIN, somebody).await? {
            Some(conversation) => Ok(conversation),
            None => bail!("nothing came from Telegram to Kommo: {}", self.obstacles().await),
        }
    }

    /// Follows what the person writes into Kommo.
    async fn follow_to_kommo(&self, conversation: &Conversation, old: &[Past]) -> anyhow::Result<Past> {
        let since = self.began.minus(CLOCKS_DIFFER);
        let is_theirs = |past: &Past| !past.is_answer && past.at >= since && !has(old, past);
        let theirs = async || Ok(self.newest(conversation).await?.into_iter().find(is_theirs));
        let Some(past) = until(WRITTEN_WITHIN, theirs).await? else {
            bail!("no answer of yours came into Kommo: {}", self.obstacles().await)
        };
        // Telegram tells whole seconds.
        terminal::print(format_args!("From Telegram to Kommo: {}\n", shown(past.at.until(clock::now()))));
        Ok(past)
    }

    /// Follows what a manager answers to Telegram.
    async fn follow_back(&self, conversation: &Conversation, there: &Past) -> anyhow::Result<()> {
        let old = self.newest(conversation).await?;
        let who = if there.author.is_empty() { conversation.to_string() } else { there.author.clone() };
        terminal::say(&format!("Now open the conversation with {who} in Kommo, and answer with any text.\n"));
        let is_answer = |past: &Past| past.is_answer && !has(&old, past);
        let answer = async || Ok(self.newest(conversation).await?.into_iter().find(is_answer));
        let Some(answer) = until(WRITTEN_WITHIN, answer).await? else { bail!("nobody has answered in Kommo") };
        let crossed = async || {
            let answered = self.get(&format!("/crossed/{}", answer.id)).await?;
            Ok((answered.status() == StatusCode::NO_CONTENT).then_some(()))
        };
        if until(CROSSED_WITHIN, crossed).await?.is_none() {
            bail!(
                "the answer has not arrived in Telegram: {}. Kommo shows below the answer whether it failed, and why",
                self.obstacles().await
            );
        }
        terminal::print(format_args!("From Kommo to Telegram: {}\n", shown(answer.at.until(clock::now()))));
        Ok(())
    }

    /// What Kommo has of a conversation, the newest first; nothing of one that it does not know.
    async fn newest(&self, conversation: &Conversation) -> anyhow::Result<Vec<Past>> {
        let answer = self.get(&history::path(conversation)).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        let chat = answer.text().await?;
        let items = self.chats.history(&chat, 0).await.map_err(|error| anyhow::anyhow!(refusal(&error)))?;
        Ok(items.iter().filter_map(from_history::read).collect())
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Response> {
        let patience = |client: ClientBuilder| client.timeout(ANSWERED_WITHIN);
        self.running.send(Method::GET, path, patience).await
    }

    /// What the bridge says of itself, for whoever waits in vain.
    async fn obstacles(&self) -> String {
        let ready = async { Ok::<_, anyhow::Error>(self.get("/ready").await?.text().await?) };
        match ready.await {
            Ok(text) if text.trim() == "ready" => "the bridge itself sees nothing wrong".to_owned(),
            Ok(text) => text.lines().collect::<Vec<_>>().join("; "),
            Err(error) => format!("{error:#}"),
        }
    }
}

fn has(old: &[Past], past: &Past) -> bool {
    old.iter().any(|it| it.id == past.id)
}

/// What comes of `look` within the time, if something does.
pub(super) async fn until<T, F: Future<Output = anyhow::Result<Option<T>>>>(
    within: Duration,
    look: impl Fn() -> F,
) -> anyhow::Result<Option<T>> {
    let looking = async {
        loop {
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(within, looking).await.unwrap_or(Ok(None))
}

fn shown(time: Duration) -> String {
    format!("{}.{} seconds", time.as_secs(), time.subsec_millis() / 100)
}
