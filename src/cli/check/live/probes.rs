//! Each question, tried.

use std::time::Duration;

use anyhow::Context;

use crate::{
    admin::{channel::refusal, chats::ChatEntry},
    app,
    cli::check::{
        live::{
            outcome::ProbeOutcome,
            report::Cleaned,
            sending::{Messages, Sent, id_of},
            verdicts::{self, KeptText},
        },
        message::{Trial, until},
        public_address, support,
    },
    clock,
    config::Config,
    domain::{
        address::{ContactId, UserId},
        assumed::StatusNames,
        message::Media,
    },
    kommo::{
        chats::CallError,
        wire::{Delivered, DeliveryStatus, HistoryItem, KnownMessage, Message, ReplyTo, Sender},
    },
    media::link::{LinkKey, Links},
    metrics::{Fetch, TEST_FILE},
    telegram::bot::Bot,
};

/// How many characters Telegram's longest message has, and how many more are tried.
const LONGEST: usize = 4096;
const LONGER: usize = 4 * LONGEST;
/// How long a file may be fetched in parts once the first fetch has come.
const MORE_WITHIN: Duration = Duration::from_secs(3);
/// A message that no chat has.
const NO_MESSAGE: &str = "00000000-0000-4000-8000-000000000000";

/// The questions, and whom they are asked.
pub(super) struct Probes<'c> {
    config: &'c Config,
    trial: Trial,
    bot: Bot,
    person: UserId,
    messages: Messages,
    /// What the channel's bot has sent to the customer, which no manager waits for.
    of_bot: Option<Sent>,
}

impl<'c> Probes<'c> {
    pub(super) fn new(config: &'c Config, trial: Trial, bot: Bot, (person, row): (UserId, ChatEntry)) -> Self {
        let customer = Sender {
            id: ContactId::Person(person).to_string(),
            ref_id: None,
            name: row.name.unwrap_or_default(),
            avatar: None,
            profile: None,
            profile_link: None,
        };
        let place = (row.conversation.to_string(), row.chat, trial.source.to_string());
        let messages = Messages::new(trial.chats.clone(), place, customer);
        Self { config, trial, bot, person, messages, of_bot: None }
    }

    /// What came of all of them.
    ///
    /// # Errors
    /// If Kommo does not take the first message.
    pub(super) async fn all(&mut self) -> anyhow::Result<Vec<ProbeOutcome>> {
        let (first, text, repeated) = self.repeat().await?;
        let edits = self.edit().await;
        let status_in_messages = self.status_in_message().await;
        let status_names = self.status_names().await;
        let quotes = self.quotes(&first).await;
        let (texts, file_size) = (self.texts().await, self.file_size().await);
        let (files, typing) = (self.files().await, self.typing().await);
        // Kommo shows what it has accepted a little later: by now a second one would be there.
        let items = self.messages.history().await.unwrap_or_default();
        let number = items.iter().filter(|item| item.content().text.as_deref() == Some(&text)).count();
        let history = verdicts::history(&items);
        let repeated = verdicts::repeated(&repeated, number, &first);
        Ok(vec![repeated, edits, status_in_messages, status_names, quotes, texts, files, file_size, history, typing])
    }

    /// Makes an end of what was sent.
    pub(super) async fn clean(&self) -> Cleaned {
        let (messages, shortened) = self.messages.clean().await;
        Cleaned { messages, shortened }
    }

    /// The same message twice.
    async fn repeat(&mut self) -> anyhow::Result<(Sent, String, Result<Sent, CallError>)> {
        let message = self.messages.text("sent twice");
        let text = message.text.clone().unwrap_or_default();
        let event = self.messages.event(message);
        let first = self.messages.send(&event).await;
        let first = first.map_err(|error| anyhow::anyhow!(refusal(&error)));
        let first = first.context("Kommo does not take a message in your conversation")?;
        anyhow::ensure!(
            self.messages.has_come(&text, self.patience()).await,
            "Kommo has taken the first test message, and does not show it in the history of the chat"
        );
        let again = self.messages.chats.send_as_is(&event).await;
        let again = again.map(|accepted| Sent { id: accepted.msgid, ..first.clone() });
        Ok((first, text, again))
    }

    async fn edit(&mut self) -> ProbeOutcome {
        let message = self.messages.text("before an edit");
        let event = self.messages.event(message);
        let sent = match self.messages.send(&event).await {
            Ok(sent) => sent,
            Err(error) => return verdicts::edits(&Err(error), None),
        };
        let text = self.messages.text("after an edit").text.unwrap_or_default();
        let edited = self.messages.edit(&sent, text.clone()).await;
        let has_come = edited.is_ok() && self.messages.has_come(&text, self.patience()).await;
        // A history that cannot be read shows nothing.
        let is_there = if has_come { Some(true) } else { self.messages.history().await.ok().map(|_| false) };
        verdicts::edits(&edited, is_there)
    }

    /// What the channel's bot has written elsewhere, with its status and without.
    async fn status_in_message(&mut self) -> ProbeOutcome {
        let Some(bot) = &self.config.kommo.bot_id else { return verdicts::no_bot() };
        let bot = Sender {
            id: format!("kommo-user:{bot}"),
            ref_id: Some(bot.to_string()),
            name: "telekommo".to_owned(),
            ..self.messages.customer.clone()
        };
        let with = Message {
            delivery_status: Some(Delivered::ARRIVED),
            ..self.messages.text("of the channel's bot, with a status")
        };
        let event = self.messages.from(&bot, with);
        let with = self.messages.send(&event).await;
        if let Ok(sent) = &with {
            self.of_bot = Some(sent.clone());
            return verdicts::status_in_messages(&with, None);
        }
        let bare = self.messages.text("of the channel's bot");
        let event = self.messages.from(&bot, bare);
        let bare = self.messages.send(&event).await;
        self.of_bot = bare.as_ref().ok().cloned();
        verdicts::status_in_messages(&with, Some(&bare))
    }

    /// By each of the names that the message of the channel's bot has arrived. That of any other is left alone: it may
    /// be a manager's that has failed.
    async fn status_names(&self) -> ProbeOutcome {
        let Some(sent) = &self.of_bot else { return verdicts::no_message_of_bot() };
        let named = |items: Vec<HistoryItem>| id_of(&items, sent);
        let id = match &sent.id {
            Some(id) => Some(id.clone()),
            None => self.messages.history().await.ok().and_then(named),
        };
        let Some(id) = id else { return verdicts::no_message_of_bot() };
        let report = DeliveryStatus {
            msgid: Some(id.clone()),
            status_code: Some(1),
            delivery_status: Some(1),
            error_code: None,
            error: None,
        };
        let mut results = Vec::new();
        for names in StatusNames::ALL {
            results.push((names, self.messages.chats.status_as(&id, &report, names).await));
        }
        verdicts::status_names(&results)
    }

    async fn quotes(&mut self, first: &Sent) -> ProbeOutcome {
        let reply = |id: &str| ReplyTo { message: KnownMessage { id: Some(id.to_owned()), msgid: None } };
        let Some(id) = &first.id else { return verdicts::nothing_to_quote() };
        let known = self.messages.send_reply(self.messages.text("with a quote"), reply(id)).await;
        let unknown = self.messages.send_reply(self.messages.text("with a quote of nothing"), reply(NO_MESSAGE)).await;
        verdicts::quotes(&known, &unknown)
    }

    /// As long as Telegram's longest, and longer.
    async fn texts(&mut self) -> ProbeOutcome {
        let (longest, longer) = (self.kept(LONGEST).await, self.kept(LONGER).await);
        verdicts::texts(&longest, &longer)
    }

    /// What Kommo keeps of a text with so many characters.
    async fn kept(&mut self, chars: usize) -> KeptText {
        let Message { text, .. } = self.messages.text(&format!("{chars} characters"));
        let mut text = text.unwrap_or_default();
        text.extend(std::iter::repeat_n('x', chars.saturating_sub(text.len())));
        let message = Message { r#type: "text", text: Some(text.clone()), ..Message::default() };
        let event = self.messages.event(message);
        let sent = match self.messages.send(&event).await {
            Ok(sent) => sent,
            Err(error) => return KeptText::Refused(error),
        };
        let look = async || {
            let items = self.messages.history().await.unwrap_or_default();
            let is_it = |text: &String| !text.is_empty();
            let texts = items.iter().map(HistoryItem::content);
            let mut those = texts.filter(|message| message.id.is_some() && message.id == sent.id);
            Ok(those.find_map(|message| message.text.filter(is_it)))
        };
        match until(self.patience(), look).await {
            Ok(Some(there)) if there == text => KeptText::Whole,
            Ok(Some(there)) => KeptText::Cut(there.chars().count()),
            Ok(None) | Err(_) => KeptText::Unseen,
        }
    }

    /// How Kommo fetches a file.
    async fn files(&mut self) -> ProbeOutcome {
        let name = format!("{TEST_FILE}{}.jpg", self.messages.nonce);
        let Some(picture) = self.picture(&name).await else { return verdicts::no_picture() };
        let message = self.file(&picture, picture.size_bytes.unwrap_or_default(), "a file");
        let event = self.messages.event(message);
        let sent = self.messages.send(&event).await;
        let fetched = async || {
            let fetches = self.fetches(&name).await;
            Ok((!fetches.is_empty()).then_some(()))
        };
        if sent.is_ok() && until(self.patience(), fetched).await.is_ok_and(|fetched| fetched.is_some()) {
            tokio::time::sleep(MORE_WITHIN.min(self.patience())).await;
        }
        verdicts::files(&sent, &self.fetches(&name).await, self.patience())
    }

    /// Whether a message may tell of a file that is as large as the largest of Telegram's.
    async fn file_size(&mut self) -> ProbeOutcome {
        let largest = app::largest_download_bytes(&self.config.telegram);
        // Of another name: its fetches would count as those of the other file.
        let Some(picture) = self.picture("telekommo-check.jpg").await else { return verdicts::no_large_picture() };
        let message = self.file(&picture, largest, "a file that is said to be large");
        let event = self.messages.event(message);
        verdicts::file_size(&self.messages.send(&event).await, largest)
    }

    /// A picture that Kommo can fetch: that of the bot, or the operator's own.
    async fn picture(&self, name: &str) -> Option<Media> {
        match public_address::file::of_bot(&self.bot, name).await {
            Some(picture) => Some(picture),
            None => public_address::file::picture(&self.bot, self.person, name).await,
        }
    }

    fn file(&self, picture: &Media, size: u64, about: &str) -> Message {
        let links = Links {
            key: LinkKey::derive(self.config.kommo.channel_secret.expose()),
            public_url: self.config.server.public_url.url().clone(),
            valid_for: self.config.media.links_for,
        };
        Message {
            r#type: "picture",
            text: self.messages.text(about).text,
            media: Some(links.made_at(clock::now()).to(&self.trial.source, picture)),
            file_name: Some(picture.file_name.clone()),
            file_size: Some(size),
            ..Message::default()
        }
    }

    /// How the bridge has served a file so far.
    async fn fetches(&self, name: &str) -> Vec<Fetch> {
        let asked = async { anyhow::Ok(self.trial.get(&format!("/fetches/{name}")).await?.bytes().await?) };
        asked.await.ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    async fn typing(&self) -> ProbeOutcome {
        verdicts::typing(support::has_typed(&self.trial.running).await)
    }

    /// How long is waited for something that Kommo does a little later.
    const fn patience(&self) -> Duration {
        self.config.kommo.timeout
    }
}
