//! The ways out: proxies, certificates, and what is said when one fails.

mod bridge;
mod causes;
mod pki;
mod process;
mod proxies;
mod servers;
