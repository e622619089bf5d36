//! `telekommo reconcile`: managers' messages that never came, looked for by the running bridge, which has the store.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::stream;
use reqwest::Client;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::sleep,
};

use crate::{
    config::Config,
    operate::{admin, parked::OURS, terminal},
    relay::reconcile::{ReconcileSummary, Reconciler, TOO_LONG, UNREAD},
    store::StoreError,
};

/// How long the bridge says nothing at most, however long a call to Kommo or the wait between two takes.
const SAYS_EVERY: Duration = Duration::from_mins(1);
/// How long it may say nothing until it is taken for gone.
const SILENCE: Duration = Duration::from_mins(5);
/// What the last line of a comparison begins with that left nothing out.
const RESULT: &str = "Result: ";

/// `/reconcile` and `/reconcile/{since}`: says what it does while it does it, a line at a time; the last one is the
/// result.
pub fn router(reconciler: Arc<Reconciler>) -> Router {
    let routes = Router::new().route("/reconcile", post(start)).route("/reconcile/{since}", post(start));
    routes.with_state(reconciler)
}

async fn start(State(reconciler): State<Arc<Reconciler>>, since: Option<Path<String>>, headers: HeaderMap) -> Response {
    if let Some(refusal) = admin::refusal(&headers) {
        return refusal;
    }
    let Ok(since) = since.as_deref().map(|since| humantime::parse_duration(since)).transpose() else {
        return (StatusCode::BAD_REQUEST, "since is not a duration, such as 2h\n").into_response();
    };
    let (tell, told) = unbounded_channel();
    let work = Box::pin(async move {
        // Whoever asked may have gone; then the work ends with them.
        let say = |line| drop(tell.send(line));
        reconciler.look(since, say).await
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
            // Whoever hears nothing takes us for gone, and whoever goes ends the work.
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

/// Asks the running bridge to look for what did not come `since` so long ago, and prints what it says.
///
/// # Errors
/// If none is running with this configuration, or not everything could be compared.
pub async fn run(config: &Config, since: Option<Duration>) -> anyhow::Result<()> {
    let mut answer = ask(config.admin.listen, since).await?;
    let mut last = String::new();
    while let Some(chunk) = answer.chunk().await.context("the bridge ended before it was done")? {
        let text = String::from_utf8_lossy(&chunk).into_owned();
        terminal::say(&text);
        last.push_str(&text);
    }
    let last = last.lines().last().unwrap_or_default();
    remains(last).map_or(Ok(()), |remains| bail!("not everything could be compared: {remains}"))
}

/// What is to be done after a comparison that left something out, by the last line of what was said.
fn remains(last: &str) -> Option<&'static str> {
    if !last.starts_with(RESULT) || last.contains(UNREAD) {
        return Some("run it again when Kommo answers");
    }
    last.contains(TOO_LONG).then_some(
        "the log names histories that were too long to be read as a whole; look at their older part in Kommo",
    )
}

async fn ask(admin: SocketAddr, since: Option<Duration>) -> anyhow::Result<reqwest::Response> {
    let since = since.map(|since| humantime::format_duration(since).to_string().replace(' ', ""));
    let below = since.map(|since| format!("/{since}")).unwrap_or_default();
    let client = Client::builder().read_timeout(SILENCE).no_proxy().build()?;
    let answer = client.post(format!("http://{admin}/reconcile{below}")).header(OURS, "1").send().await;
    let Ok(answer) = answer else {
        bail!("no bridge answers at {admin} (admin.listen): is telekommo running with this configuration?");
    };
    match answer.status() {
        StatusCode::OK => Ok(answer),
        status => bail!("the bridge answered {status}: {}", answer.text().await.unwrap_or_default().trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_told_with_what_to_do() {
        let remains = |summary: ReconcileSummary| remains(&format!("{RESULT}{summary}."));
        assert_eq!(
            remains(ReconcileSummary { found: 3, sent: 1, too_old: 1, empty: 1, ..ReconcileSummary::default() }),
            None
        );
        let long = remains(ReconcileSummary { in_part: 1, ..ReconcileSummary::default() }).unwrap();
        assert!(long.contains("in Kommo") && !long.contains("again"), "{long}");
        let unread =
            remains(ReconcileSummary { in_part: 1, unread: 1, open: 1, ..ReconcileSummary::default() }).unwrap();
        assert!(unread.contains("run it again"), "{unread}");
        assert!(super::remains("the store has failed").is_some());
    }

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
