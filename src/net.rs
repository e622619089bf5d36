//! Outgoing connections: proxies, trusted certificates, and the causes of failures. All HTTP clients that leave this
//! machine are built here ([`Egress::client`]), so that none forgets a proxy or a certificate authority. Their errors
//! become [`RequestError`]s, which name the cause and never a URL's path or a password: the path contains a bot's
//! token, the proxy's URL its password.

mod causes;
mod diagnose;
mod egress;
mod endpoint;
mod expiry;
mod http;
mod names;
mod observe;
mod pinned;
mod proxied;
mod proxy;
mod public;
mod request_error;
mod tls;
mod trust;

pub use self::{
    causes::find,
    egress::Egress,
    endpoint::{Endpoint, ProxyHop},
    expiry::ends_within,
    http::{Failed, Http, broken, broken_at, place, reached},
    names::Names,
    observe::{ObservedRequest, Observer},
    pinned::is_certificate,
    proxy::{NotAProxy, Proxy},
    public::{NotPublic, PublicNames, is_public, leads_to_internet},
    request_error::{Cause, Phase, RequestError},
    tls::bare_name,
    trust::{complaints, own_authorities},
};
