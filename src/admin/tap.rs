//! Streams each step of the relay, for `telekommo tap`.

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

/// A line of the response. Programs read it: field names stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Event {
    Relayed(Box<Line>),
    /// So many steps were lost, because the reader was too slow.
    Missed {
        missed: u64,
    },
}

/// A finished step of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) at: UnixMillis,
    pub(crate) route: String,
    pub(crate) kind: String,
    pub(crate) conversation: Option<Conversation>,
    pub(crate) message_id: Option<String>,
    /// How the step ended, as in metrics.
    pub(crate) outcome: String,
    pub(crate) attempt: u32,
    /// How long since the job came.
    pub(crate) took_ms: u64,
    pub(crate) why: Option<String>,
    /// The length of its text.
    pub(crate) characters: Option<usize>,
    /// Its text, if that was asked for.
    pub(crate) text: Option<String>,
}

/// Which steps to send.
#[derive(Clone, Debug, Default, Deserialize)]
struct TapFilter {
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
    Query(filter): Query<TapFilter>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    let lines = stream::unfold((tap.watch(), filter, stop), async |(mut relayed, filter, stop)| {
        let event = stop.run_until_cancelled(next(&mut relayed, &filter)).await??;
        let mut line = serde_json::to_string(&event).ok()?;
        line.push('\n');
        Some((Ok::<_, Infallible>(line), (relayed, filter, stop)))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// The next event that the filter lets through; `None` if there will be no more.
async fn next(relayed: &mut Receiver<Arc<Relayed>>, filter: &TapFilter) -> Option<Event> {
    loop {
        match relayed.recv().await {
            Ok(relayed) if filter.matches(&relayed) => return Some(Event::Relayed(Box::new(filter.line(&relayed)))),
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => return Some(Event::Missed { missed }),
            Err(RecvError::Closed) => return None,
        }
    }
}

impl TapFilter {
    fn matches(&self, relayed: &Relayed) -> bool {
        let conversation = relayed.lane.conversation();
        let source = match &relayed.lane.route {
            Route::Outbound(source) => Some(source),
            Route::Inbound | Route::Status | Route::Crm | Route::Undeliverable => {
                conversation.as_ref().map(|conversation| &conversation.source)
            }
        };
        self.source.as_ref().is_none_or(|expected| source == Some(expected))
            && self.conversation.as_ref().is_none_or(|expected| conversation.as_ref() == Some(expected))
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
