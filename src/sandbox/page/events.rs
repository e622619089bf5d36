//! `GET /api/events`: the page is told that something has changed, and asks for the state.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use crate::sandbox::page::{View, rooms};

/// Changes in this time are told as one.
const GATHER: Duration = Duration::from_millis(100);
/// A quiet stream says that it is alive this often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often to look whether a bot has stopped typing, which only the clock tells, and what the bridge has stored.
const GLANCE: Duration = Duration::from_millis(500);

/// Streams a version at once and at each change.
pub(super) async fn stream(State(view): State<Arc<View>>) -> Response {
    let watched = Watched::of(view);
    let lines = stream::unfold((watched, true), |(mut watched, first)| async move {
        let line = if first { watched.line() } else { watched.next().await };
        Some((Ok::<_, Infallible>(line), (watched, false)))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(lines)).into_response()
}

/// Everything that can change.
struct Watched {
    view: Arc<View>,
    versions: [watch::Receiver<u64>; 5],
    typing: Vec<bool>,
    /// What the bridge has stored: its store tells nobody.
    bridge: Value,
    /// How often one of these was seen to have changed.
    glances: u64,
}

impl Watched {
    fn of(view: Arc<View>) -> Self {
        let (telegram, kommo) = (&view.telegram, &view.kommo);
        let (updates, requests) = (telegram.traffic().changed(), kommo.traffic().changed());
        let versions = [telegram.changed(), kommo.changed(), updates, requests, view.switches.changed()];
        Self { typing: typing(&view), bridge: view.switches.state_json(), versions, glances: 0, view }
    }

    /// The event for the present version.
    fn line(&mut self) -> String {
        let version = self.glances + self.versions.iter_mut().map(|version| *version.borrow_and_update()).sum::<u64>();
        format!("data: {version}\n\n")
    }

    /// The event for the next change, or a comment after a quiet time.
    async fn next(&mut self) -> String {
        sleep(GATHER).await;
        let quiet_until = Instant::now() + KEEP_ALIVE;
        while Instant::now() < quiet_until {
            if timeout(GLANCE, self.change()).await.is_ok() || self.has_changed() {
                return self.line();
            }
        }
        ": quiet\n\n".to_owned()
    }

    async fn change(&mut self) {
        let [telegram, kommo, updates, requests, switches] = &mut self.versions;
        // A sender that is gone changes nothing any more, and the page goes with it.
        let _gone = tokio::select! {
            end = telegram.changed() => end,
            end = kommo.changed() => end,
            end = updates.changed() => end,
            end = requests.changed() => end,
            end = switches.changed() => end,
        };
    }

    fn has_changed(&mut self) -> bool {
        let (typing, bridge) = (typing(&self.view), self.view.switches.state_json());
        let changed = typing != self.typing || bridge != self.bridge;
        (self.typing, self.bridge) = (typing, bridge);
        self.glances += u64::from(changed);
        changed
    }
}

fn typing(view: &View) -> Vec<bool> {
    let customers = rooms::customers(view);
    let typing = |token: &str| {
        let rooms = rooms::of_bot(view, token, &customers);
        rooms.into_iter().map(|room| view.telegram.action_in(token, room).is_some()).collect::<Vec<_>>()
    };
    view.sources.iter().flat_map(|(_, token)| typing(token)).collect()
}
