//! The files of both sides: customers', as managers find them who open them, and managers', as customers do. Whether
//! Kommo asks again for a file that it did not get at once is not documented; but its link must lead to it, whatever
//! went wrong before.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use telekommo::sandbox::{
    harness::Harness,
    kommo::{Author, Message},
    telegram::ChatMessage,
};
use tokio::time::{Instant, sleep};

use crate::{
    WITHIN,
    people::{Talk, samples},
};

/// How many files are opened at once.
const AT_ONCE: usize = 4;
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What was found: names of files, or what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// By Kommo's ids of the messages.
    in_kommo: BTreeMap<String, String>,
    /// By Telegram's ids of the files.
    in_telegram: BTreeMap<String, String>,
}

impl Opened {
    /// Opens the files that nobody has opened before. Everything works.
    pub(crate) async fn open(&mut self, stage: &Harness) {
        for talk in Talk::all() {
            self.open_in_telegram(&talk, stage);
            self.open_in_kommo(&talk, stage).await;
        }
    }

    fn open_in_telegram(&mut self, talk: &Talk, stage: &Harness) {
        let ids = talk.in_telegram(&stage.telegram, |all| {
            let theirs = all.iter().filter(|message| message.from_bot);
            let ids = theirs.filter_map(|message| message.file.as_ref().map(|file| file.file_id.clone()));
            ids.filter(|id| !self.in_telegram.contains_key(id)).collect::<BTreeSet<_>>()
        });
        for id in ids {
            let name = stage.telegram.file(&id).map_or_else(|| "lost".to_owned(), |bytes| samples::name(&bytes));
            self.in_telegram.insert(id, name);
        }
    }

    async fn open_in_kommo(&mut self, talk: &Talk, stage: &Harness) {
        let link = |message: &Message| Some((message.id.clone(), message.media.as_ref()?.url.clone()));
        let links = talk.in_kommo(&stage.kommo, |all| {
            let theirs = all.iter().filter(|message| message.from == Author::Customer);
            theirs.filter(|message| !self.in_kommo.contains_key(&message.id)).filter_map(link).collect::<Vec<_>>()
        });
        let found = stream::iter(links).map(|(id, url)| async move { (id, open(&url).await) });
        let mut found = found.buffer_unordered(AT_ONCE);
        while let Some((id, name)) = found.next().await {
            self.in_kommo.insert(id, name);
        }
    }

    /// The file of a message in Kommo; none if it has none, or nobody has opened it.
    pub(crate) fn in_kommo(&self, message: &Message) -> Option<String> {
        self.in_kommo.get(&message.id).cloned()
    }

    /// The file of a message in Telegram; none if it has none, or nobody has opened it.
    pub(crate) fn in_telegram(&self, message: &ChatMessage) -> Option<String> {
        self.in_telegram.get(&message.file.as_ref()?.file_id).cloned()
    }
}

/// A bridge that has much to do asks those who fetch files to come again.
async fn open(url: &str) -> String {
    let until = Instant::now() + WITHIN;
    loop {
        let found = fetch(url).await;
        match found {
            Ok(name) => return name,
            Err(why) if Instant::now() > until => return format!("not given: {why}"),
            Err(_) => sleep(AGAIN_AFTER).await,
        }
    }
}

async fn fetch(url: &str) -> Result<String, String> {
    let answer = reqwest::get(url).await.map_err(|error| error.to_string())?;
    let answer = answer.error_for_status().map_err(|error| error.to_string())?;
    Ok(samples::name(&answer.bytes().await.map_err(|error| error.to_string())?))
}
