//! Faults that a visitor of the page can switch on: a remote that is down, a bridge that is aborted, a call that fails.

use std::{io, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::{
    domain::job::Route,
    sandbox::{
        fault::Fault,
        kommo::{Endpoint, FakeKommo},
        shared::Shared,
        telegram::{FakeTelegram, Target},
    },
    store::{Counts, Store},
};

/// The delay of a slow response of Kommo's. It is shorter than the bridge's timeout.
const SLOW: Duration = Duration::from_secs(8);

/// An order for the sandbox's bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Abort it.
    CutOff,
    Start,
}

/// The state of the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bridge {
    /// It does not belong to the sandbox.
    Elsewhere,
    Running,
    Off,
}

/// A switch on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Switch {
    /// Kommo's Chats API cannot be reached.
    KommoAway,
    /// The Bot API cannot be reached.
    TelegramAway,
    /// The bridge is aborted.
    BridgeOff,
    /// Telegram refuses the next text to a customer.
    RefuseNext,
    /// Kommo responds slowly to the next message.
    SlowNext,
}

/// The state of the switches, and the bridge if there is one.
pub struct Switches {
    state: Shared<State>,
    orders: Option<mpsc::Sender<Order>>,
}

struct State {
    kommo_away: bool,
    telegram_away: bool,
    bridge: Bridge,
    store: Option<Store>,
}

impl Switches {
    /// For a bridge that does not belong to the sandbox.
    #[must_use]
    pub fn without_bridge() -> Arc<Self> {
        Self::with(Bridge::Elsewhere, None, None)
    }

    /// For the sandbox's own bridge, whose queues are in `store`. The receiver gets the orders.
    #[must_use]
    pub fn of_bridge(store: Option<Store>) -> (Arc<Self>, mpsc::Receiver<Order>) {
        let (orders, given) = mpsc::channel(1);
        (Self::with(Bridge::Running, store, Some(orders)), given)
    }

    fn with(bridge: Bridge, store: Option<Store>, orders: Option<mpsc::Sender<Order>>) -> Arc<Self> {
        let state = Shared::new(State { kommo_away: false, telegram_away: false, bridge, store });
        Arc::new(Self { state, orders })
    }

    /// Reports that the bridge runs with this store, or is off.
    pub fn bridge_has(&self, store: Option<Store>) {
        self.state.change(|state| {
            state.bridge = if store.is_some() { Bridge::Running } else { Bridge::Off };
            state.store = store;
        });
    }

    /// A version that increases with every change.
    pub(super) fn changed(&self) -> watch::Receiver<u64> {
        self.state.watch()
    }

    /// Sets a switch, or adds a fault once.
    ///
    /// # Errors
    /// A sentence that says why it cannot be switched.
    pub(super) fn set(
        &self,
        (telegram, kommo): (&FakeTelegram, &FakeKommo),
        what: Switch,
        on: bool,
    ) -> Result<(), String> {
        let refused = |error: io::Error| format!("The system does not let it: {error}.");
        match what {
            Switch::KommoAway => {
                kommo.down(on).map_err(refused)?;
                self.state.change(|state| state.kommo_away = on);
            }
            Switch::TelegramAway => {
                telegram.down(on).map_err(refused)?;
                self.state.change(|state| state.telegram_away = on);
            }
            Switch::BridgeOff => {
                let order = if on { Order::CutOff } else { Order::Start };
                let orders = self.orders.as_ref().ok_or("The bridge is none of this sandbox's.")?;
                orders.try_send(order).map_err(|_| "The bridge is being stopped or started.")?;
            }
            Switch::RefuseNext => {
                let body = json!({ "ok": false, "error_code": 403, "description": "Forbidden: user is deactivated" });
                let refusal = Fault::Status { code: 403, body: body.to_string() };
                telegram.fault(Target::method("sendMessage"), refusal, 1);
            }
            Switch::SlowNext => kommo.fault(Endpoint::Message, Fault::Hang(SLOW), 1),
        }
        Ok(())
    }

    /// The state for the page.
    pub(super) fn state_json(&self) -> Value {
        self.state.read(|state| {
            let counts = state.store.as_ref().map(Store::counts);
            json!({
                "kommo_away": state.kommo_away,
                "telegram_away": state.telegram_away,
                "bridge": state.bridge,
                "queue": counts.as_ref().map(queue),
            })
        })
    }
}

/// How many messages the bridge has stored and not yet relayed.
fn queue(counts: &Counts) -> Value {
    let waiting = |to_telegram: bool| -> usize {
        let matches_direction =
            |route: &Route| matches!(route, Route::Outbound(_) | Route::Undeliverable) == to_telegram;
        counts.routes.iter().filter(|(route, _)| matches_direction(route)).map(|(_, queue)| queue.waiting).sum()
    };
    json!({ "to_kommo": waiting(false), "to_telegram": waiting(true), "parked": counts.parked + counts.reported })
}
