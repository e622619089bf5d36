//! A sign of life for a service elsewhere, which tells the operator when it stops: nobody on a machine can tell that
//! the machine is gone.

use std::{convert::Infallible, sync::Arc};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    alerts::target::{call, client},
    config,
    metrics::{Cause, Metrics},
    net::{Egress, Http},
};

pub struct Heartbeat {
    http: Http,
    called: config::Heartbeat,
    metrics: Arc<Metrics>,
}

impl Heartbeat {
    /// The heartbeat of a bridge.
    pub fn new(heartbeat: config::Heartbeat, metrics: Arc<Metrics>) -> Result<Self, reqwest::Error> {
        Ok(Self { http: client(&Egress::default())?, called: heartbeat, metrics })
    }

    /// Calls the address until `stop`.
    ///
    /// # Errors
    /// Never: what fails is logged once, and called again at the next time.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let mut every = interval(self.called.every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let work = async {
            loop {
                every.tick().await;
                let outcome = self.beat().await;
                if let Err(why) = &outcome {
                    tracing::debug!(why, "the heartbeat was not heard");
                }
                let is_failing = outcome.is_err();
                self.metrics.heartbeat_sent(!is_failing);
                let was_failing = self.metrics.note(Cause::Heartbeat, outcome.err());
                match (was_failing, is_failing) {
                    (false, true) => tracing::warn!("the heartbeat is not heard: /ready says why"),
                    (true, false) => tracing::info!("the heartbeat is heard again"),
                    (true, true) | (false, false) => {}
                }
            }
        };
        stop.run_until_cancelled(work).await;
        Ok(())
    }

    /// Calls the address once.
    ///
    /// # Errors
    /// Why nobody heard it, without the path of the address.
    pub async fn beat(&self) -> Result<(), String> {
        call(&self.http, self.http.get(self.called.url.expose().clone())).await
    }
}
