//! Outgoing connections: the proxy, the trusted certificates, and why no answer came.
//!
//! All HTTP clients that leave this machine are made here ([`Egress::client`]), so that none forgets a proxy or a
//! certificate authority. All of their errors become words here ([`Trouble`]), which name the cause and never the path
//! of an address or a password: the path contains a bot's token, the proxy's address its password.

mod causes;
mod egress;
mod expiry;
mod http;
mod look;
mod names;
mod observe;
mod place;
mod proxied;
mod proxy;
mod tls;
mod trouble;
mod trust;

pub use self::{
    causes::find,
    egress::Egress,
    expiry::ends_within,
    http::{Failed, Http, broken, broken_at, place, reached},
    names::Names,
    observe::{Observer, Seen},
    place::{Place, Via},
    proxy::{NotAProxy, Proxy},
    trouble::{Cause, Phase, Trouble},
    trust::{complaints, own_authorities},
};
