//! The certificate that the public listener itself shows.

use reqwest::Url;

use crate::{
    cli::check::{finding::Finding, fine, warning, wrong},
    config::{Acme, Config, ServerTls},
    domain::{amount::duration_in_words, time::UnixMillis},
    tls::{self, Pair},
};

const ABOUT: &str = "Served certificate";

/// Looks at the files of the certificate; nothing where a web server in front has it.
pub(super) fn look(config: &Config, now: UnixMillis) -> Option<Finding> {
    let tls = config.server.tls.as_ref()?;
    Some(match (tls::inspect(tls, &config.data_dir), tls) {
        (Ok((Some(pair), _)), _) => judged(&pair, &origin(tls), config, now),
        (Ok((None, why)), ServerTls::Acme(acme)) => missing(acme, why),
        (Ok((None, _)), ServerTls::Files(_)) => return None,
        (Err(why), _) => wrong(ABOUT, why),
    })
}

/// What the certificate is called.
fn origin(tls: &ServerTls) -> String {
    match tls {
        ServerTls::Files(files) => files.certificate.display().to_string(),
        ServerTls::Acme(acme) => format!("the certificate by {}", acme.directory),
    }
}

fn missing(acme: &Acme, why: Option<String>) -> Finding {
    let Acme { host, directory, .. } = acme;
    let none = format!("there is no certificate for {host} yet");
    match why {
        Some(why) => wrong(ABOUT, format!("{none}: {why}. The log says when the next try is")),
        None => warning(
            ABOUT,
            format!(
                "{none}: the bridge gets one from {directory} once it runs, if {host} leads to this machine and its \
                 port 443 to server.listen"
            ),
        ),
    }
}

fn judged(pair: &Pair, origin: &str, config: &Config, now: UnixMillis) -> Finding {
    let seen = format!("{origin} is {}", pair.describe());
    if !pair.is_current(now) {
        return wrong(ABOUT, format!("{seen}, and not good today: let it be renewed, or set this machine's clock"));
    }
    let url = config.server.public_url.url();
    if url.scheme() == "https" && !pair.is_for(host(url)) {
        return wrong(ABOUT, format!("{seen}, and not for {}: get one for the host of server.public_url", host(url)));
    }
    if pair.ends_at() <= now.plus(config.alerts.expires_within) {
        let left = duration_in_words(now.until(pair.ends_at()));
        return warning(ABOUT, format!("{seen}, which is in {left}: see to it that it is renewed"));
    }
    fine(ABOUT, seen)
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}
