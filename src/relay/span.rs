//! The tracing span of a job, whose fields are in each of its log lines.

use tracing::Span;

use crate::{
    domain::job::{Lane, Route},
    store::Lease,
};

/// The span of a leased job. It has the ids of the job and its conversation, but no content and no person.
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
