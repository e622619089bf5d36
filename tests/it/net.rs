//! The ways out: proxies, certificates, and what is said when one fails.

mod acme;
mod bridge;
mod causes;
mod certificate;
mod own_certificate;
pub(crate) mod pki;
mod process;
mod proxies;
pub(crate) mod servers;
mod signing;
