//! telekommo
pub mod domain;
