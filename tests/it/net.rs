//! The ways out: proxies, certificates, and what is said when one fails.

mod bridge;
mod causes;
mod certificate;
mod pki;
mod process;
mod proxies;
mod servers;
