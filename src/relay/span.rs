//! What every line of the log tells of the job that it is about.

use tracing::Span;

use crate::{
    domain::job::{Lane, Route},
    store::Lease,
};

/// The span of a leased job: by its conversation's id and its own, never by what it says or who is meant.
pub(super) fn of(lease: &Lease) -> Span {
    let lane = lease.lane();
    let conversation = lane.conversation();
    tracing::info_span!(
        "job",
        job = lease.key(),
        kind = lease.job().traits().name,
        source = source(lane),
        conversation = conversation.map(tracing::field::display),
        direction = direction(&lane.route),
        attempt = lease.attempts() + 1,
    )
}

fn source(lane: &Lane) -> Option<String> {
    match &lane.route {
        Route::Outbound(source) => Some(source.to_string()),
        Route::Inbound | Route::Undeliverable | Route::Status | Route::Crm => {
            lane.conversation().map(|conversation| conversation.source.to_string())
        }
    }
}

const fn direction(route: &Route) -> &'static str {
    match route {
        Route::Inbound | Route::Status | Route::Crm => "to Kommo",
        Route::Outbound(_) | Route::Undeliverable => "to Telegram",
    }
}
