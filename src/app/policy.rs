//! What the configuration says about failures.

use std::time::Duration;

use crate::{
    config::{Config, WhenUncertain},
    domain::{job::Route, retry::Schedule},
    relay::retry_policy::{RetryPolicy, Slots},
    words::Spoken,
};

/// How many conversations are served side by side, per route: those that wait for a file apart from the others.
const SLOTS: Slots = Slots { texts: 16, files: 8 };

/// To Kommo a job waits for its way for ever; to Telegram for as long as an answer is worth something.
pub(super) fn of(route: &Route, config: &Config, spoken: &Spoken) -> RetryPolicy {
    let (schedule, patience): (&Schedule, Option<Duration>) = match route {
        Route::Inbound | Route::Status | Route::Crm => (&config.retry.kommo, None),
        Route::Outbound(_) => (&config.retry.telegram, Some(config.retry.give_up_after)),
        // What is stray is sent nowhere: it is reported at once, with its own reason.
        Route::Undeliverable => (&config.retry.telegram, None),
    };
    let repeats_uncertain = config.telegram.when_uncertain == WhenUncertain::Repeat;
    RetryPolicy { schedule: schedule.clone(), patience, repeats_uncertain, slots: SLOTS, spoken: spoken.clone() }
}
