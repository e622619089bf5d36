//! Failures at a proxy. The client's errors about a proxy have no public type, only texts. The texts of the locked
//! version are matched here, and a test provokes each of them.

use std::error::Error;

use crate::net::{causes::TCP, endpoint::ProxyHop, request_error::Cause};

/// How the client's errors about each kind of proxy begin.
const TUNNEL: &str = "tunnel error: ";
const SOCKS: &str = "SOCKS error: ";
/// There is no connection to the proxy. For SOCKS proxies the client does not say why.
const NO_CONNECTION: &str = "failed to create underlying connection";
/// The proxy responded with a status other than 200 and 407. The client does not say which.
const NO_TUNNEL: &str = "unsuccessful";

/// The cause, if an error of the client concerns the proxy.
pub(super) fn cause(chain: &[&(dyn Error + 'static)], proxy: &ProxyHop) -> Option<Cause> {
    let texts: Vec<_> = chain.iter().map(ToString::to_string).collect();
    if let Some(why) = texts.iter().find_map(|text| text.strip_prefix(SOCKS)) {
        return Some(Cause::Proxy(of_socks(why, proxy)));
    }
    let of_tunnel = texts.iter().find_map(|text| text.strip_prefix(TUNNEL)).filter(|why| *why != NO_CONNECTION);
    if let Some(why) = of_tunnel {
        return Some(Cause::Proxy(of_http(why, proxy)));
    }
    // With a proxy, the only direct connection is to the proxy.
    let is_dialled = texts.iter().any(|text| text == TCP);
    let io = chain.iter().find_map(|link| link.downcast_ref::<std::io::Error>()).filter(|_| is_dialled)?;
    Some(Cause::Proxy(unreachable(&super::causes::of_dialling(io))))
}

/// Whether the client does not give the reason.
pub(super) fn lacks_reason(cause: &Cause) -> bool {
    matches!(cause, Cause::Proxy(why) if why == UNREACHABLE || why == REFUSES)
}

const UNREACHABLE: &str = "cannot be reached";
const REFUSES: &str = "refuses the tunnel";

pub(super) fn unreachable(why: &str) -> String {
    format!("{UNREACHABLE}: {why}")
}

/// A failure that a proxy reports by an HTTP status.
pub(super) fn refused(status: u16, proxy: &ProxyHop) -> String {
    if status == 407 { wants_credentials(proxy) } else { format!("answered {status}") }
}

/// The advice about a proxy that requires credentials.
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
        "io error establishing tunnel" => "reset the connection before it answered".to_owned(),
        NO_TUNNEL => REFUSES.to_owned(),
        other => format!("does not answer like a proxy ({other})"),
    }
}

fn of_socks(why: &str, proxy: &ProxyHop) -> String {
    match why {
        NO_CONNECTION => UNREACHABLE.to_owned(),
        "server does not support user/pass authentication" if proxy.has_credentials => {
            "takes no user and password: leave them out".to_owned()
        }
        "server does not support user/pass authentication" => {
            format!("wants a user and a password: write them as {}://USER:PASSWORD@{}", proxy.scheme, proxy.host)
        }
        "credentials not accepted" => "does not accept the user and the password: correct them".to_owned(),
        "io error during SOCKS handshake" => "closed the connection before it answered".to_owned(),
        "failed parsing server response" | "server implements authentication incorrectly" => {
            "does not answer like a SOCKS proxy: is it one?".to_owned()
        }
        other => format!("answered: {other}"),
    }
}
