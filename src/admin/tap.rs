//! What is being relayed, line by line, for `telekommo tap`.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{
        preview::{WHOLE, preview},
        refusal,
    },
    domain::{
        address::{Conversation, SourceId},
        job::Route,
        time::UnixMillis,
    },
    relay::tap::{Relayed, Tap},
};

/// What a reader gets. The names of its fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Event {
    Relayed(Box<Line>),
    /// The reader was too slow for so many.
    Missed {
        missed: u64,
    },
}

/// A step of a job that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) at: UnixMillis,
    pub(crate) route: String,
    pub(crate) kind: String,
    pub(crate) conversation: Option<Conversation>,
    pub(crate) message_id: Option<String>,
    /// How the step ended: its name in metrics.
    pub(crate) outcome: String,
    pub(crate) attempt: u32,
    /// How long it has been under way.
    pub(crate) took_ms: u64,
    pub(crate) why: Option<String>,
    /// How long its words are.
    pub(crate) characters: Option<usize>,
    /// Its words, if they are asked for.
    pub(crate) text: Option<String>,
}

/// What is wanted.
#[derive(Clone, Debug, Default, Deserialize)]
struct Wanted {
    source: Option<SourceId>,
    conversation: Option<Conversation>,
    #[serde(default)]
    content: bool,
}

/// `/tap`: a line of JSON for each step, until the reader goes or `stop`.
pub(crate) fn router(tap: Tap, stop: CancellationToken) -> Router {
    Router::new().route("/tap", get(watch)).with_state((tap, stop))
}

async fn watch(
    State((tap, stop)): State<(Tap, CancellationToken)>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    let lines = stream::unfold((tap.watch(), wanted, stop), async |(mut relayed, wanted, stop)| {
        let event = stop.run_until_cancelled(next(&mut relayed, &wanted)).await??;
        let mut line = serde_json::to_string(&event).ok()?;
        line.push('\n');
        Some((Ok::<_, Infallible>(line), (relayed, wanted, stop)))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// The next that is wanted; `None` if there will be no more.
async fn next(relayed: &mut Receiver<Arc<Relayed>>, wanted: &Wanted) -> Option<Event> {
    loop {
        match relayed.recv().await {
            Ok(relayed) if wanted.takes(&relayed) => return Some(Event::Relayed(Box::new(wanted.line(&relayed)))),
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => return Some(Event::Missed { missed }),
            Err(RecvError::Closed) => return None,
        }
    }
}

impl Wanted {
    fn takes(&self, relayed: &Relayed) -> bool {
        let conversation = relayed.lane.conversation();
        let source = match &relayed.lane.route {
            Route::Outbound(source) => Some(source),
            Route::Inbound | Route::Status | Route::Crm | Route::Undeliverable => {
                conversation.as_ref().map(|conversation| &conversation.source)
            }
        };
        self.source.as_ref().is_none_or(|wanted| source == Some(wanted))
            && self.conversation.as_ref().is_none_or(|wanted| conversation.as_ref() == Some(wanted))
    }

    fn line(&self, relayed: &Relayed) -> Line {
        let text = preview(std::slice::from_ref(&relayed.job), WHOLE);
        Line {
            at: relayed.at,
            route: relayed.lane.route.to_string(),
            kind: relayed.job.traits().name.to_owned(),
            conversation: relayed.lane.conversation(),
            message_id: relayed.message_id.clone(),
            outcome: relayed.outcome.to_owned(),
            attempt: relayed.attempt,
            took_ms: u64::try_from(relayed.came_at.until(relayed.at).as_millis()).unwrap_or(u64::MAX),
            why: relayed.why.clone(),
            characters: text.as_ref().map(|text| text.chars().count()),
            text: text.filter(|_| self.content),
        }
    }
}
