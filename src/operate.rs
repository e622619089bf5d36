//! The operator's ring: what shows how the bridge is doing, and keeps it in order.

pub mod admin;
pub mod check;
pub mod logging;
pub mod parked;
pub mod restore;
pub mod upkeep;
