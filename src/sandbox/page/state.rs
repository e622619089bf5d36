//! `GET /api/state`: everything that the page shows.
//!
//! Messages of both sides have one shape, so that one bubble shows them.

use serde_json::{Value, json};

use crate::sandbox::{
    page::{View, rooms},
    traffic::{Exchange, MAX_EXCHANGES},
};

mod kommo;
mod telegram;

pub(super) fn state(view: &View) -> Value {
    let customers = rooms::customers(view);
    let chats = |source: &(String, String)| {
        let rooms = rooms::of_bot(view, &source.1, &customers);
        rooms.into_iter().map(|room| telegram::chat(view, source, room)).collect::<Vec<_>>()
    };
    json!({
        "bots": view.sources.iter().filter_map(|source| telegram::bot(view, source)).collect::<Vec<_>>(),
        "customers": customers.iter().map(telegram::customer).collect::<Vec<_>>(),
        "telegram": view.sources.iter().flat_map(chats).collect::<Vec<_>>(),
        "kommo": kommo::chats(view),
        "bridge": view.switches.state_json(),
        "traffic": traffic(view),
    })
}

/// Both logs in one, oldest first.
fn traffic(view: &View) -> Vec<Exchange> {
    let mut all = [view.telegram.traffic().all(), view.kommo.traffic().all()].concat();
    all.sort_by_key(|exchange| exchange.n);
    all.split_off(all.len().saturating_sub(MAX_EXCHANGES))
}
