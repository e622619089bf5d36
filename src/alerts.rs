//! Alerts the operator to problems: once, then at growing intervals, and once when a problem is over.
//!
//! ```text
//!  Health ──▶ troubles ──▶ watches ──▶ State ──▶ events ──▶ outboxes ──▶ targets
//!   store, metrics         what is     fired, reminded, one for      Telegram, webhook,
//!   disk, clocks           explained   over; pure           each target  ntfy, e-mail
//! ```
//! Problems are one list (`metrics`), which `/ready` shows as well. Sent alerts outlive a restart ([`memory`]).

pub mod alert_message;
mod daily;
pub mod health;
mod heartbeat;
pub mod memory;
mod outbox;
mod run;
mod state;
mod target;
pub mod watches;

pub use heartbeat::Heartbeat;
pub use run::{Alerts, host};
pub use target::{AlertClients, Target, Targets, targets};
