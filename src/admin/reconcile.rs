//! Looking for missed answers of managers on request, for `telekommo reconcile`.

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

/// How long the bridge says nothing at most, however long a call to Kommo or the wait between two takes.
const SAYS_EVERY: Duration = Duration::from_mins(1);
/// What the last line of a comparison begins with that left nothing out.
pub(crate) const RESULT: &str = "Result: ";

/// `/reconcile` and `/reconcile/{since}`: says what it does while it does it, a line at a time; the last one is the
/// result.
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
    let (tell, told) = unbounded_channel();
    let work = Box::pin(async move {
        // The caller may have gone. Then the work ends.
        let say = |line| drop(tell.send(line));
        reconciler.run_now(since, say).await
    });
    Body::from_stream(stream::unfold(Some(Progress { work, told }), Progress::line)).into_response()
}

type Work = Pin<Box<dyn Future<Output = Result<ReconcileSummary, StoreError>> + Send>>;

/// A comparison under way, and what it says.
struct Progress {
    work: Work,
    told: UnboundedReceiver<String>,
}

impl Progress {
    /// The next line. The work goes on while it is waited for.
    async fn line(progress: Option<Self>) -> Option<(Result<String, Infallible>, Option<Self>)> {
        let mut progress = progress?;
        let (line, rest) = tokio::select! {
            // What was said before the end comes before the end.
            biased;
            Some(line) = progress.told.recv() => (line, Some(progress)),
            // A caller that hears nothing takes the bridge for gone, and a caller that leaves ends the work.
            () = sleep(SAYS_EVERY) => ("Still comparing.".to_owned(), Some(progress)),
            outcome = &mut progress.work => {
                let mut last = Vec::new();
                while let Ok(line) = progress.told.try_recv() {
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
    async fn whoever_asked_hears_of_it_every_minute() {
        let (tell, told) = unbounded_channel();
        let mut progress = Progress { work: Box::pin(std::future::pending()), told };
        for _ in 0..3 {
            let (line, rest) = Progress::line(Some(progress)).await.unwrap();
            assert_eq!(line.unwrap(), "Still comparing.\n");
            progress = rest.unwrap();
        }
        tell.send("news".to_owned()).unwrap();
        assert_eq!(Progress::line(Some(progress)).await.unwrap().0.unwrap(), "news\n");
    }
}
