//! Builds retry policies from the configuration.

use std::time::Duration;

use crate::{
    config::{Config, WhenUncertain},
    domain::{job::Route, retry::Schedule},
    relay::retry_policy::{RetryPolicy, Slots},
    words::Spoken,
};

/// How many conversations of a route are served side by side: those with files apart from the others.
const SLOTS: Slots = Slots { texts: 16, files: 8 };

/// Jobs to Kommo wait for the connection for ever; those to Telegram as long as an answer is useful.
pub(super) fn of(route: &Route, config: &Config, spoken: &Spoken) -> RetryPolicy {
    let (schedule, patience): (&Schedule, Option<Duration>) = match route {
        Route::Inbound | Route::Status | Route::Crm => (&config.retry.kommo, None),
        Route::Outbound(_) => (&config.retry.telegram, Some(config.retry.give_up_after)),
        // Stray answers are sent nowhere: they are reported at once, with their own reason.
        Route::Undeliverable => (&config.retry.telegram, None),
    };
    let repeats_uncertain = config.telegram.when_uncertain == WhenUncertain::Repeat;
    RetryPolicy { schedule: schedule.clone(), patience, repeats_uncertain, slots: SLOTS, spoken: spoken.clone() }
}
