//! Customers' files, as managers find them who open them. Whether Kommo asks again for a file that it did not get at once is
//! not documented; but its link must lead to it, whatever went wrong before.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, stream};
use telekommo::sandbox::{kommo::Author, stage::Stage};
use tokio::time::{Instant, sleep};

use crate::{
    WITHIN,
    people::{Talk, samples},
};

/// How many files are opened at once.
const AT_ONCE: usize = 4;
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What was found, by Kommo's ids of the messages: names of files, or what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Opened(BTreeMap<String, String>);

impl Opened {
    /// Opens the files that nobody has opened before. Everything works.
    pub(crate) async fn open(&mut self, stage: &Stage) {
        let messages = Talk::all().into_iter().flat_map(|talk| talk.in_kommo(&stage.kommo));
        let theirs = messages.filter(|message| message.from == Author::Customer && !self.0.contains_key(&message.id));
        let links: Vec<_> = theirs.filter_map(|message| Some((message.id, message.media?.url))).collect();
        let found = stream::iter(links).map(|(id, url)| async move { (id, open(&url).await) });
        self.0.extend(found.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
    }

    /// The file of a message; none if it has none, or nobody has opened it.
    pub(crate) fn name(&self, id: &str) -> Option<String> {
        self.0.get(id).cloned()
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
