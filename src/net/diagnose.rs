//! Finds out why a proxy fails if the client does not say.

use std::time::Duration;

use reqwest::{Method, Url};
use tokio::{net::TcpStream, time::timeout};

use crate::net::{
    causes,
    egress::Egress,
    endpoint::ProxyHop,
    names, proxied,
    request_error::{Cause, RequestError},
};

/// Time limit. The failure itself is known already, and callers wait for it.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The same error, with the cause that the client does not give.
pub(super) async fn diagnose(egress: &Egress, url: &Url, error: RequestError) -> RequestError {
    let Some(proxy) = error.place.proxy.as_ref().filter(|_| proxied::lacks_reason(&error.cause)) else {
        return error;
    };
    let probe =
        async { if proxy.scheme.starts_with("socks") { dial(proxy).await } else { connect(egress, url, proxy).await } };
    let why = timeout(TIMEOUT, probe).await.ok().flatten();
    RequestError { cause: why.map_or(error.cause, Cause::Proxy), ..error }
}

/// Why there is no connection to a proxy.
async fn dial(proxy: &ProxyHop) -> Option<String> {
    let (name, port) = proxy.host.rsplit_once(':')?;
    let found = match names::look_up(name).await {
        Ok(found) => found,
        Err(unknown) => return Some(proxied::unreachable(&causes::of_name(&unknown))),
    };
    let port = port.parse().ok()?;
    let mut why = None;
    for mut address in found {
        address.set_port(port);
        match TcpStream::connect(address).await {
            Ok(_) => return None,
            Err(error) => why = Some(proxied::unreachable(&causes::of_dialling(&error))),
        }
    }
    why
}

/// The proxy's response to a `CONNECT` request.
async fn connect(egress: &Egress, url: &Url, proxy: &ProxyHop) -> Option<String> {
    // The client opens no tunnel for an http URL, so it hands us the proxy's response.
    let tunnel = format!("http://{}:{}/", url.host_str()?, url.port_or_known_default()?);
    let client = egress.client_through_proxy_to(url)?;
    let response = client.request(Method::CONNECT, tunnel).send().await.ok()?;
    let status = response.status();
    (!status.is_success()).then(|| proxied::refused(status.as_u16(), proxy))
}
