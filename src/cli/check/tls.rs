//! The certificate that the public listener itself shows.

use reqwest::Url;

use crate::{
    cli::check::{finding::Finding, fine, warning, wrong},
    config::{Config, ServerTls},
    domain::{amount::span, time::UnixMillis},
    tls::Pair,
};

const ABOUT: &str = "Served certificate";

/// Looks at the files of the certificate; nothing where a web server in front has it.
pub(super) fn look(config: &Config, now: UnixMillis) -> Option<Finding> {
    let tls = config.server.tls.as_ref()?;
    Some(match Pair::read(tls) {
        Ok(pair) => judged(&pair, tls, config, now),
        Err(why) => wrong(ABOUT, why),
    })
}

fn judged(pair: &Pair, tls: &ServerTls, config: &Config, now: UnixMillis) -> Finding {
    let seen = format!("{} is {}", tls.certificate.display(), pair.told());
    if !pair.is_current(now) {
        return wrong(ABOUT, format!("{seen}, and not good today: let it be renewed, or set this machine's clock"));
    }
    let url = config.server.public_url.url();
    if url.scheme() == "https" && !pair.is_for(host(url)) {
        return wrong(ABOUT, format!("{seen}, and not for {}: get one for the host of server.public_url", host(url)));
    }
    if pair.ends_at() <= now.plus(config.alerts.expires_within) {
        let left = span(now.until(pair.ends_at()));
        return warning(ABOUT, format!("{seen}, which is in {left}: see to it that it is renewed"));
    }
    fine(ABOUT, seen)
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}
