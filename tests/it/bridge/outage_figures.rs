//! How long it takes after an outage until what waited is there, in figures. With the usual waits between tries:
//!
//! `TELEKOMMO_OUTAGE_SECONDS=600 TELEKOMMO_OUTAGE_MESSAGES=1000 TELEKOMMO_OUTAGE_RATE=7 cargo test --test it --
//! outage_figures --nocapture`

use std::{env, time::Duration};

use telekommo::sandbox::{
    harness::{LINES, Line},
    kommo::Status,
};
use tokio::time::{Instant, sleep};

use crate::support::{TestStage, eventually, in_kommo, in_telegram, statuses, stranger};

const SALES: Line = LINES[0];
const CUSTOMERS: i64 = 20;

/// A number that a variable may set.
#[expect(clippy::disallowed_methods, reason = "what a test is to be like is no configuration of the bridge")]
pub(super) fn wished(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// What an outage is to be like.
struct Outage {
    lasts: Duration,
    /// Messages of each customer.
    messages: usize,
    rate: u64,
}

impl Outage {
    fn wished() -> Self {
        let messages = wished("TELEKOMMO_OUTAGE_MESSAGES", 100);
        Self {
            lasts: Duration::from_secs(wished("TELEKOMMO_OUTAGE_SECONDS", 5)),
            messages: usize::try_from(messages).unwrap().div_ceil(20),
            rate: wished("TELEKOMMO_OUTAGE_RATE", 100),
        }
    }

    /// A stage with the usual waits, on which all customers have begun.
    async fn stage(&self) -> (TestStage, Vec<i64>) {
        let rate = self.rate;
        let settings = format!(
            "retry.kommo = [\"1s\", \"5s\", \"15s\", \"1m\", \"5m\", \"10m\"]\n\
             retry.telegram = [\"1s\", \"5s\", \"30s\", \"2m\", \"10m\", \"30m\"]\n\
             retry.probe_every = \"1m\"\n\
             kommo.requests_per_second = {rate}\n\
             telegram.requests_per_second = {rate}\n"
        );
        let mut stage = TestStage::with(&settings).await;
        stage.allow_failures();
        let customers: Vec<_> = (1..=CUSTOMERS).map(|n| 888_000_000 + n).collect();
        for customer in &customers {
            stage.telegram.add_customer(stranger(*customer));
            stage.telegram.write(SALES.token, *customer, "/start");
        }
        stage.until_all(&customers, |stage, customer| in_kommo(stage, SALES, customer) == ["/start"]).await;
        stage.until_settled().await;
        (stage, customers)
    }

    fn texts(&self) -> Vec<String> {
        (0..self.messages).map(|n| format!("message {n}")).collect()
    }

    /// How long after the end of the outage the first one, and all of them, are there.
    fn tell(&self, what: &str, first: Duration, all: Duration) {
        let (lasts, count) = (self.lasts, self.messages * usize::try_from(CUSTOMERS).unwrap());
        println!(
            "{what} away for {lasts:?}: first of {count} after {first:.1?}, all after {all:.1?} at {} a second",
            self.rate
        );
    }

    /// How long everything may take at the most: what the rate allows, and as much again for the machine.
    fn allows(&self, calls_each: u64) -> Duration {
        let calls = u64::try_from(self.messages).unwrap() * u64::try_from(CUSTOMERS).unwrap() * calls_each;
        Duration::from_secs(30 + 2 * calls / self.rate)
    }
}

impl TestStage {
    async fn until_all(&self, customers: &[i64], holds: impl Fn(&Self, i64) -> bool) {
        for customer in customers {
            eventually("it holds for all", async || holds(self, *customer)).await;
        }
    }
}

/// Waits until something holds, and tells how long that took.
async fn until(within: Duration, holds: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < within, "not within {within:?}");
        sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

/// A machine that has much else to do gets a little more than the five seconds that are promised.
const FIRST_WITHIN: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_words_after_an_outage_of_kommo() {
    let outage = Outage::wished();
    let (stage, customers) = outage.stage().await;
    stage.kommo.down(true).unwrap();
    for text in outage.texts() {
        for customer in &customers {
            stage.telegram.write(SALES.token, *customer, &text);
        }
    }
    sleep(outage.lasts).await;
    stage.kommo.down(false).unwrap();
    let count = |customer: &i64| in_kommo(&stage, SALES, *customer).len() - 1;
    let first = until(FIRST_WITHIN, || customers.iter().any(|customer| count(customer) > 0)).await;
    let rest = until(outage.allows(1), || customers.iter().all(|customer| count(customer) >= outage.messages)).await;
    stage.until_settled().await;
    for customer in &customers {
        assert_eq!(in_kommo(&stage, SALES, *customer)[1..], outage.texts(), "in order, none twice");
    }
    outage.tell("Kommo", first, first + rest);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_after_an_outage_of_telegram() {
    let outage = Outage::wished();
    let (stage, customers) = outage.stage().await;
    stage.telegram.down(true).unwrap();
    let mut ids = Vec::new();
    for text in outage.texts() {
        for customer in &customers {
            ids.push(stage.reply(SALES, *customer, &text).await);
        }
    }
    sleep(outage.lasts).await;
    stage.telegram.down(false).unwrap();
    let count = |customer: &i64| in_telegram(&stage, SALES, *customer).len();
    let first = until(FIRST_WITHIN, || customers.iter().any(|customer| count(customer) > 0)).await;
    let rest = until(outage.allows(1), || customers.iter().all(|customer| count(customer) >= outage.messages)).await;
    until(outage.allows(1), || stage.waiting() == 0).await;
    for customer in &customers {
        assert_eq!(in_telegram(&stage, SALES, *customer), outage.texts(), "in order, none twice");
    }
    assert!(ids.iter().all(|id| statuses(&stage, id) == [Status::Delivered]));
    outage.tell("Telegram", first, first + rest);
    stage.finish().await;
}
