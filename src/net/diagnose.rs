//! Looks closer at a proxy that fails, where the client does not say why.

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

/// How long it may take. The failure itself is known already, and others wait for it.
const WITHIN: Duration = Duration::from_secs(1);

/// The same trouble, with the cause that the client does not tell.
pub(super) async fn closer(egress: &Egress, url: &Url, trouble: RequestError) -> RequestError {
    let Some(proxy) = trouble.place.proxy.as_ref().filter(|_| proxied::is_silent(&trouble.cause)) else {
        return trouble;
    };
    let look =
        async { if proxy.scheme.starts_with("socks") { dial(proxy).await } else { ask(egress, url, proxy).await } };
    let seen = timeout(WITHIN, look).await.ok().flatten();
    RequestError { cause: seen.map_or(trouble.cause, Cause::Proxy), ..trouble }
}

/// Why there is no connection to a proxy.
async fn dial(proxy: &ProxyHop) -> Option<String> {
    let (name, port) = proxy.host.rsplit_once(':')?;
    let found = match names::look_up(name).await {
        Ok(found) => found,
        Err(unknown) => return Some(proxied::not_there(&causes::of_name(&unknown))),
    };
    let port = port.parse().ok()?;
    let mut why = None;
    for mut address in found {
        address.set_port(port);
        match TcpStream::connect(address).await {
            Ok(_) => return None,
            Err(error) => why = Some(proxied::not_there(&causes::of_dialling(&error))),
        }
    }
    why
}

/// With what a proxy answers when it is asked for a tunnel.
async fn ask(egress: &Egress, url: &Url, proxy: &ProxyHop) -> Option<String> {
    // An address of http goes to the proxy as it is, so the client makes no tunnel for it, and gives us the answer.
    let tunnel = format!("http://{}:{}/", url.host_str()?, url.port_or_known_default()?);
    let client = egress.client_through_proxy_to(url)?;
    let response = client.request(Method::CONNECT, tunnel).send().await.ok()?;
    let status = response.status();
    (!status.is_success()).then(|| proxied::answered(status.as_u16(), proxy))
}
