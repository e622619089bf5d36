//! Who is let in: the token, and how often somebody may ask.

use std::{collections::VecDeque, time::Duration};

use axum::http::{HeaderMap, header};
use tokio::time::Instant;

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::account::{Subject, problem::Problem, records::Records},
};

/// How many requests are accepted, and what happens to further ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests within a second. What is above gets a 429.
    pub per_second: usize,
    /// After so many 429 everything is a 403. The real number is not documented.
    pub patience: u32,
    pub shut_out_for: Duration,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_second: 7, patience: 10, shut_out_for: Duration::from_mins(5) }
    }
}

/// What is known of the one address that asks.
#[derive(Debug, Default)]
pub(super) struct Gate {
    pub(super) rate: Rate,
    asked_at: VecDeque<Instant>,
    refused: u32,
    shut_until: Option<Instant>,
}

impl Gate {
    /// Counts a request. Neither answer is that of the API: a server in front of it speaks.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Problem> {
        if self.shut_until.is_some_and(|until| now < until) {
            return Err(Problem::Page(403));
        }
        while self.asked_at.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(1)) {
            self.asked_at.pop_front();
        }
        if self.asked_at.len() < self.rate.per_second {
            self.asked_at.push_back(now);
            return Ok(());
        }
        self.refused += 1;
        if self.refused >= self.rate.patience {
            self.refused = 0;
            self.shut_until = Some(now + self.rate.shut_out_for);
        }
        Err(Problem::Page(429))
    }
}

/// Whether the token is the one that the account has given out, still good, and allowed to do this.
pub(super) fn authorize(
    records: &Records,
    headers: &HeaderMap,
    subject: Option<Subject>,
    now: UnixMillis,
) -> Result<(), Problem> {
    if headers.contains_key(header::COOKIE) {
        return Err(Problem::Plain(400));
    }
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if given != Some(&records.token.text) || now.0 >= records.token.ends_at.0 {
        return Err(Problem::Plain(401));
    }
    if subject.is_some_and(|subject| records.forbidden.contains(&subject)) {
        return Err(Problem::Plain(403));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn too_many_requests_are_refused_and_then_everything_is() {
        let rate = Rate { per_second: 2, patience: 2, shut_out_for: Duration::from_mins(1) };
        let (mut gate, start) = (Gate { rate, ..Gate::default() }, Instant::now());
        let mut at = |millis| gate.admit(start + Duration::from_millis(millis)).err();
        assert_eq!([at(0), at(1), at(2)], [None, None, Some(Problem::Page(429))]);
        assert_eq!(at(1001), None);
        assert_eq!([at(1001), at(1002)], [None, Some(Problem::Page(429))]);
        assert_eq!([at(5000), at(61_001)], [Some(Problem::Page(403)), Some(Problem::Page(403))]);
        assert_eq!(at(61_002), None);
    }
}
