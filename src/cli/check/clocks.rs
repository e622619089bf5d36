//! Compares this machine's clock with those of Kommo and Telegram, by the `Date` of their answers.

use std::time::Duration;

use chrono::DateTime;
use reqwest::{Method, Url, header};

use crate::{
    cli::check::{finding::Finding, fine, unknown, warning, wrong},
    clock,
    config::Config,
    domain::{amount::duration_in_words, time::UnixMillis},
    kommo::time::TOLERANCE,
    net::{Egress, Http},
};

const ABOUT: &str = "Clock";
/// How long a server may take to tell the time.
const WITHIN: Duration = Duration::from_secs(10);
/// From where on it is said how far the clocks differ: a `Date` has whole seconds, and an answer takes its time.
const NOTABLE: Duration = Duration::from_mins(1);

/// Asks both for the time. Who does not tell it is left out: that they do not answer is found elsewhere.
pub(super) async fn compare(config: &Config) -> Vec<Finding> {
    let (kommo, telegram) = (config.kommo.egress(), config.telegram.egress());
    let asked = [("Kommo", kommo, config.kommo.chats_url.url()), ("Telegram", telegram, config.telegram.api_url.url())];
    let mut findings = Vec::new();
    for (side, egress, url) in asked {
        if let Some(theirs) = date(&egress, url.clone()).await {
            findings.push(judged(side, theirs, clock::now()));
        }
    }
    if findings.is_empty() {
        findings.push(unknown(ABOUT, "not compared: neither Kommo nor Telegram tells the time"));
    }
    findings
}

async fn date(egress: &Egress, url: Url) -> Option<UnixMillis> {
    let http = Http::new(egress, |client| client.timeout(WITHIN)).ok()?;
    let answer = http.send(http.request(Method::HEAD, url)).await.ok()?;
    let date = DateTime::parse_from_rfc2822(answer.headers().get(header::DATE)?.to_str().ok()?).ok()?;
    Some(UnixMillis::from_seconds(date.timestamp()))
}

fn judged(side: &str, theirs: UnixMillis, ours: UnixMillis) -> Finding {
    let (by, which) = match (theirs.until(ours), ours.until(theirs)) {
        (ahead, Duration::ZERO) => (ahead, "ahead of"),
        (_, behind) => (behind, "behind"),
    };
    let differs = format!("this machine's clock is {} {which} {side}'s", duration_in_words(by));
    let finding = if by > TOLERANCE {
        let remedy = "set it, for instance by a time server (`timedatectl set-ntp true`). Kommo takes no signature \
            that is more than 15 minutes off";
        wrong(ABOUT, format!("{differs}: {remedy}"))
    } else if by > NOTABLE {
        warning(ABOUT, format!("{differs}: let a time server set it, before it is 15 minutes"))
    } else {
        fine(ABOUT, format!("as {side}'s"))
    };
    finding.of(&side.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::finding::State;

    #[test]
    fn clocks_may_differ_by_as_much_as_a_signature() {
        const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
        let (minute, day) = (Duration::from_mins(1), Duration::from_hours(24));
        for (ours, state, words) in [
            (NOW, State::Ok, "as Kommo's"),
            (NOW.plus(minute), State::Ok, "as Kommo's"),
            (NOW.minus(minute * 2), State::Warning, "2 minutes behind Kommo's"),
            (NOW.plus(TOLERANCE + minute), State::Wrong, "16 minutes ahead of Kommo's"),
            (NOW.minus(day), State::Wrong, "1 day behind Kommo's"),
        ] {
            let finding = judged("Kommo", NOW, ours);
            assert!(finding.state == state && finding.text.contains(words), "{finding:?}");
            assert_eq!(finding.of.as_deref(), Some("kommo"));
        }
    }
}
