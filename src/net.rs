//! The ways out: through which proxy a request goes, whose certificates are trusted, and why no answer came.
//!
//! All HTTP clients that leave this machine are made here ([`Egress::client`]), so that none forgets a proxy or an own CA that
//! the others have. All of their errors are put into words here ([`Trouble`]), so that each names its cause, and none shows
//! an address's path or a password: a bot's token stands in the one, the proxy's in the other.

mod causes;
mod egress;
mod http;
mod look;
mod names;
mod place;
mod proxied;
mod proxy;
mod tls;
mod trouble;
mod trust;

pub use self::{
    causes::find,
    egress::Egress,
    http::{Failed, Http, broken, broken_at, place, reached},
    names::Names,
    place::{Place, Via},
    proxy::{NotAProxy, Proxy},
    trouble::{Cause, Phase, Trouble},
    trust::complaints,
};
