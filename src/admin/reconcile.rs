//! Compares with Kommo's history on request, for `telekommo reconcile`.

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::stream;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::sleep,
};

use crate::{
    admin::refusal,
    relay::reconcile::{ReconcileSummary, Reconciler},
    store::StoreError,
};

/// The longest silence, however long a call to Kommo or the wait between two calls takes.
const KEEPALIVE_EVERY: Duration = Duration::from_mins(1);
/// How the last line of a complete comparison begins.
pub(crate) const RESULT: &str = "Result: ";

/// `/reconcile` and `/reconcile/{since}`: streams its progress line by line. The last line is the result.
pub fn router(reconciler: Arc<Reconciler>) -> Router {
    let routes = Router::new().route("/reconcile", post(start)).route("/reconcile/{since}", post(start));
    routes.with_state(reconciler)
}

async fn start(State(reconciler): State<Arc<Reconciler>>, since: Option<Path<String>>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    let Ok(since) = since.as_deref().map(|since| humantime::parse_duration(since)).transpose() else {
        return (StatusCode::BAD_REQUEST, "since is not a duration, such as 2h\n").into_response();
    };
    let (sender, lines) = unbounded_channel();
    let work = Box::pin(async move {
        // If the caller has left, this future is dropped, too.
        let report = |line| drop(sender.send(line));
        reconciler.run_now(since, report).await
    });
    Body::from_stream(stream::unfold(Some(Progress { work, lines }), Progress::line)).into_response()
}

type Work = Pin<Box<dyn Future<Output = Result<ReconcileSummary, StoreError>> + Send>>;

/// A comparison under way, and its output.
struct Progress {
    work: Work,
    lines: UnboundedReceiver<String>,
}

impl Progress {
    /// The next line. The work goes on meanwhile.
    async fn line(progress: Option<Self>) -> Option<(Result<String, Infallible>, Option<Self>)> {
        let mut progress = progress?;
        let (line, rest) = tokio::select! {
            // Lines that came before the end are sent before it.
            biased;
            Some(line) = progress.lines.recv() => (line, Some(progress)),
            // A caller that gets nothing for long would give up, and that would end the work.
            () = sleep(KEEPALIVE_EVERY) => ("Still comparing.".to_owned(), Some(progress)),
            outcome = &mut progress.work => {
                let mut last = Vec::new();
                while let Ok(line) = progress.lines.try_recv() {
                    last.push(line);
                }
                last.push(match outcome {
                    Ok(summary) => format!("{RESULT}{summary}."),
                    Err(error) => error.to_string(),
                });
                (last.join("\n"), None)
            }
        };
        Some((Ok(line + "\n"), rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_is_sent_every_minute() {
        let (sender, lines) = unbounded_channel();
        let mut progress = Progress { work: Box::pin(std::future::pending()), lines };
        for _ in 0..3 {
            let (line, rest) = Progress::line(Some(progress)).await.unwrap();
            assert_eq!(line.unwrap(), "Still comparing.\n");
            progress = rest.unwrap();
        }
        sender.send("news".to_owned()).unwrap();
        assert_eq!(Progress::line(Some(progress)).await.unwrap().0.unwrap(), "news\n");
    }
}
