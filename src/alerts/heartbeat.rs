//! A heartbeat to an external service, which alerts the operator when it stops: a machine cannot report that it is down
//! itself.

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
    settings: config::Heartbeat,
    metrics: Arc<Metrics>,
}

impl Heartbeat {
    /// Sets up the heartbeat.
    pub fn new(heartbeat: config::Heartbeat, metrics: Arc<Metrics>) -> Result<Self, reqwest::Error> {
        Ok(Self { http: client(&Egress::default())?, settings: heartbeat, metrics })
    }

    /// Requests the URL until `stop`.
    ///
    /// # Errors
    /// Never: failures are logged once, and the next beat tries again.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let mut every = interval(self.settings.every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let work = async {
            loop {
                every.tick().await;
                let outcome = self.beat().await;
                if let Err(why) = &outcome {
                    tracing::debug!(why, "a heartbeat failed");
                }
                let is_failing = outcome.is_err();
                self.metrics.heartbeat_sent(!is_failing);
                let was_failing = self.metrics.note(Cause::Heartbeat, outcome.err());
                match (was_failing, is_failing) {
                    (false, true) => tracing::warn!("the heartbeat fails: /ready says why"),
                    (true, false) => tracing::info!("the heartbeat works again"),
                    (true, true) | (false, false) => {}
                }
            }
        };
        stop.run_until_cancelled(work).await;
        Ok(())
    }

    /// Requests the URL once.
    ///
    /// # Errors
    /// Why it failed, without the path of the URL.
    pub async fn beat(&self) -> Result<(), String> {
        call(&self.http, self.http.get(self.settings.url.expose().clone())).await
    }
}
