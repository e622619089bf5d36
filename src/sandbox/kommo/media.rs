//! Files of messages, fetched from the address that the channel gave, a little after the message was taken.

use std::{io, sync::Arc, time::Duration};

use axum::{body::Bytes, http::header};
use reqwest::{RequestBuilder, Url};
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::sandbox::kommo::{Core, Fetches, reading::Content, world::World};

/// How long after the message its file is fetched.
const FETCH_AFTER: Duration = Duration::from_millis(30);
/// How long a fetch may take.
const FETCH_WITHIN: Duration = Duration::from_secs(30);

/// A message's file. A manager's is kept by Kommo itself, under `url`; a customer's is fetched from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Where it is, as the channel said or as the hook says.
    pub url: String,
    /// The name that its sender gave.
    pub name: String,
    /// The size in bytes, as the channel said.
    pub size: Option<u64>,
    /// How long it plays, in seconds, as the channel said.
    pub duration: Option<u64>,
    /// Where a small picture of it is, if it is a manager's.
    pub thumbnail: Option<String>,
    /// What was found there; `None` until then.
    pub fetched: Option<Fetched>,
}

/// What a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The HTTP status; `None` if there was no whole answer.
    pub status: Option<u16>,
    /// `Content-Type`.
    pub content_type: String,
    pub bytes: Bytes,
}

impl Media {
    pub(super) fn of(content: &Content) -> Option<Self> {
        let is_media = !content.media.is_empty();
        is_media.then(|| Self {
            url: content.media.clone(),
            name: content.file_name.clone(),
            size: content.file_size,
            duration: content.media_duration,
            thumbnail: None,
            fetched: None,
        })
    }
}

pub(super) enum Wanted {
    /// The file of the message with this id.
    File(String),
    /// The picture of the contact with this id.
    Avatar(String),
}

/// Whether Kommo can fetch from an address.
pub(super) fn is_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Fetches what messages have brought.
pub(super) struct Fetcher {
    client: reqwest::Client,
    pub(super) tasks: TaskTracker,
}

impl Fetcher {
    pub(super) fn new() -> io::Result<Self> {
        let client = reqwest::Client::builder().timeout(FETCH_WITHIN).no_proxy().build().map_err(io::Error::other)?;
        Ok(Self { client, tasks: TaskTracker::new() })
    }
}

/// Begins to fetch what is wanted and not yet begun.
pub(super) fn fetch(core: &Arc<Core>) {
    let way = core.world.read(|world| world.quirks.fetches);
    for (wanted, url) in core.world.note(|world| std::mem::take(&mut world.wanted)) {
        if way == Fetches::Never {
            continue;
        }
        let core_ = Arc::clone(core);
        core.fetcher.tasks.spawn(async move {
            sleep(FETCH_AFTER).await;
            let fetched = match way {
                Fetches::InParts => in_parts(&core_.fetcher.client, &url).await,
                Fetches::Once | Fetches::Never => get(core_.fetcher.client.get(&url)).await,
            };
            core_.world.change(|world| bring(world, &wanted, &url, fetched));
        });
    }
}

fn bring(world: &mut World, wanted: &Wanted, url: &str, fetched: Fetched) {
    match wanted {
        Wanted::File(message) => {
            let media = world.find(|it| it.id == *message).and_then(|(message, ..)| message.media.as_mut());
            if let Some(media) = media.filter(|media| media.url == url) {
                media.fetched = Some(fetched);
            }
        }
        Wanted::Avatar(contact) => {
            for chat in world.chats.iter_mut().filter(|chat| chat.contact.id == *contact) {
                if let Some(avatar) = chat.contact.avatar.as_mut().filter(|avatar| avatar.url == url) {
                    avatar.fetched = Some(fetched.clone());
                }
            }
        }
    }
}

async fn get(request: RequestBuilder) -> Fetched {
    let nothing = Fetched { status: None, content_type: String::new(), bytes: Bytes::new() };
    let Ok(response) = request.send().await else { return nothing };
    let status = response.status().as_u16();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let content_type = kind.unwrap_or_default().to_owned();
    let Ok(bytes) = response.bytes().await else { return nothing };
    Fetched { status: Some(status), content_type, bytes }
}

/// Asks how large it is, and gets each half.
async fn in_parts(client: &reqwest::Client, url: &str) -> Fetched {
    let asked = client.head(url).send().await.ok();
    let size =
        asked.and_then(|answer| answer.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok());
    let half = size.unwrap_or_default() / 2;
    let first = get(client.get(url).header(header::RANGE, format!("bytes=0-{half}"))).await;
    let second = get(client.get(url).header(header::RANGE, format!("bytes={}-", half + 1))).await;
    Fetched { bytes: [first.bytes, second.bytes].concat().into(), ..first }
}
