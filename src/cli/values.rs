//! Parsers of command-line values. Errors say what to write instead.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use reqwest::Url;

use crate::config;

/// A duration above zero.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    config::duration(text).map_err(|_| "write a number above 0 and a unit, such as 20s, 5m, 2h or 7d")
}

/// A whole number that `N` has room for.
pub fn number<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "write a whole number, such as 123")
}

/// A count of at least one.
pub fn count<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "write a whole number above 0, such as 3")
}

/// An address to listen on.
pub fn listener(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:7070")
}

/// The URL of a web server.
pub fn address(text: &str) -> Result<Url, &'static str> {
    let url = text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or("write the whole address, such as http://127.0.0.1:8080/kommo/SCOPE")
}
