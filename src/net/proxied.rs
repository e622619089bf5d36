//! What a proxy does instead of opening the way.
//!
//! The client's errors of a proxy have no public type, only words. Those of the version that is locked are matched
//! here, and a test makes each of them come.

use std::error::Error;

use crate::net::{causes::TCP, endpoint::ProxyHop, request_error::Cause};

/// How the client begins its words about a proxy of each kind.
const TUNNEL: &str = "tunnel error: ";
const SOCKS: &str = "SOCKS error: ";
/// How it says that it has no connection to the proxy. What is behind a SOCKS proxy's it does not tell.
const NO_CONNECTION: &str = "failed to create underlying connection";
/// How it says that the proxy answered with anything but 200 and 407. It does not tell with what.
const NO_TUNNEL: &str = "unsuccessful";

/// What an error of the client says about the proxy; `None` if it is not about the proxy.
pub(super) fn told(chain: &[&(dyn Error + 'static)], proxy: &ProxyHop) -> Option<Cause> {
    let words: Vec<_> = chain.iter().map(ToString::to_string).collect();
    if let Some(why) = words.iter().find_map(|word| word.strip_prefix(SOCKS)) {
        return Some(Cause::Proxy(of_socks(why, proxy)));
    }
    let of_tunnel = words.iter().find_map(|word| word.strip_prefix(TUNNEL)).filter(|why| *why != NO_CONNECTION);
    if let Some(why) = of_tunnel {
        return Some(Cause::Proxy(of_http(why, proxy)));
    }
    // Whatever is dialled itself is the proxy.
    let is_dialled = words.iter().any(|word| word == TCP);
    let io = chain.iter().find_map(|link| link.downcast_ref::<std::io::Error>()).filter(|_| is_dialled)?;
    Some(Cause::Proxy(not_there(&super::causes::of_dialling(io))))
}

/// Whether the client knows more than it says.
pub(super) fn is_silent(cause: &Cause) -> bool {
    matches!(cause, Cause::Proxy(why) if why == UNTOLD || why == REFUSES)
}

const UNTOLD: &str = "cannot be reached";
const REFUSES: &str = "does not open the way";

pub(super) fn not_there(why: &str) -> String {
    format!("{UNTOLD}: {why}")
}

/// What a proxy says by its HTTP status.
pub(super) fn answered(status: u16, proxy: &ProxyHop) -> String {
    if status == 407 { wants_credentials(proxy) } else { format!("answered {status}") }
}

/// What to do about a proxy that lets nobody through without a password.
pub(super) fn wants_credentials(proxy: &ProxyHop) -> String {
    if proxy.has_credentials {
        "does not accept the user and the password (407): correct them".to_owned()
    } else {
        format!("wants a user and a password (407): write them as {}://USER:PASSWORD@{}", proxy.scheme, proxy.host)
    }
}

fn of_http(why: &str, proxy: &ProxyHop) -> String {
    match why {
        "proxy authorization required" => wants_credentials(proxy),
        "unexpected end of file" => "closed the connection before it answered".to_owned(),
        "io error establishing tunnel" => "broke the connection before it answered".to_owned(),
        NO_TUNNEL => REFUSES.to_owned(),
        other => format!("does not answer as a proxy does ({other})"),
    }
}

fn of_socks(why: &str, proxy: &ProxyHop) -> String {
    match why {
        NO_CONNECTION => UNTOLD.to_owned(),
        "server does not support user/pass authentication" if proxy.has_credentials => {
            "takes no user and password: leave them out".to_owned()
        }
        "server does not support user/pass authentication" => {
            format!("wants a user and a password: write them as {}://USER:PASSWORD@{}", proxy.scheme, proxy.host)
        }
        "credentials not accepted" => "does not accept the user and the password: correct them".to_owned(),
        "io error during SOCKS handshake" => "closed the connection before it answered".to_owned(),
        "failed parsing server response" | "server implements authentication incorrectly" => {
            "does not answer as a SOCKS proxy does: is it one?".to_owned()
        }
        other => format!("answered: {other}"),
    }
}
