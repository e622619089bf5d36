//! The proxy setting.

use std::fmt;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

/// The proxy to one side.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Those of the environment: `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
    #[default]
    Environment,
    /// None, whatever the environment says.
    Nothing,
    /// This one for everything, whatever the environment says. The URL may contain a password.
    At(Url),
}

/// Why a text is no proxy. It never quotes the text, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAProxy(&'static str);

/// The most bytes of a SOCKS user or password (RFC 1929).
const SOCKS_BYTES: usize = 255;

impl Proxy {
    /// Parses `none`, or the URL of a proxy: `http`, `https`, `socks5` (names are looked up here) or `socks5h` (the
    /// proxy looks them up), with or without a user and a password.
    pub fn parse(text: &str) -> Result<Self, NotAProxy> {
        if text == "none" {
            return Ok(Self::Nothing);
        }
        let has_more = text.split_once("://").is_some_and(|(_, rest)| rest.contains(['#', '?', '/']));
        let url = Url::parse(text).map_err(|_| NotAProxy(if has_more { TAIL } else { SHAPE }))?;
        match url.scheme() {
            "http" | "https" | "socks5" | "socks5h" => {}
            "socks4" | "socks4a" | "socks" => return Err(NotAProxy(OTHER_SOCKS)),
            _ => return Err(NotAProxy(SHAPE)),
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(NotAProxy(SHAPE));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(NotAProxy(TAIL));
        }
        let is_long = |part: &str| part.len() > SOCKS_BYTES;
        if url.scheme().starts_with("socks") && (is_long(url.username()) || url.password().is_some_and(is_long)) {
            return Err(NotAProxy(LONG));
        }
        // The client would ignore a URL that it cannot parse, and connect directly.
        let proxy = Self::At(with_port(url));
        let is_understood = proxy.matcher().is_some_and(|matcher| matcher.intercept(&Uri::from_static(ANY)).is_some());
        if is_understood { Ok(proxy) } else { Err(NotAProxy(SHAPE)) }
    }

    /// Decides which proxy a URL goes through; `None` if none is used.
    pub(super) fn matcher(&self) -> Option<Matcher> {
        match self {
            Self::Environment => Some(Matcher::from_system()),
            Self::Nothing => None,
            Self::At(url) => Some(Matcher::builder().all(String::from(url.clone())).build()),
        }
    }
}

/// An arbitrary URL.
const ANY: &str = "https://example.com/";

const SHAPE: &str = "is not the address of a proxy: write one such as \"http://proxy.example.com:3128\" or \
    \"socks5h://user:password@10.0.0.1:1080\" (http, https, socks5 or socks5h; special characters of a user and a \
    password as %40), or \"none\"";
const OTHER_SOCKS: &str =
    "is the address of a SOCKS proxy of a kind that is not supported: write socks5:// or socks5h://";
const TAIL: &str = "has something behind the host and the port of the proxy: end the address there, and write special \
                    characters of a user and a password as %23 (for #), %2F (for /) or %3F (for ?)";
const LONG: &str =
    "has a user or a password of more than 255 characters, which SOCKS does not take: write a shorter one";

/// Adds the default port of SOCKS.
fn with_port(mut url: Url) -> Url {
    if url.scheme().starts_with("socks") && url.port().is_none() {
        // This fails only for URLs without a host.
        let _ = url.set_port(Some(1080));
    }
    url
}

/// Shows neither user nor password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::Nothing => f.write_str("Nothing"),
            Self::At(url) => write!(f, "At({}://{})", url.scheme(), super::endpoint::host_and_port(url)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Option<String> {
        let url = Url::parse("https://api.telegram.org/bot1:secret/x").unwrap();
        crate::net::Egress::new(Proxy::parse(text).ok()?).proxy_to(&url).map(|proxy| proxy.host)
    }

    #[test]
    fn a_proxy_is_one_of_four_kinds_with_or_without_a_password() {
        for (text, want) in [
            ("http://proxy.test:3128", "proxy.test:3128"),
            ("HTTP://Proxy.test:3128/", "proxy.test:3128"),
            ("http://proxy.test", "proxy.test"),
            ("https://user@proxy.test:8443", "proxy.test:8443"),
            ("socks5://user:p%40ss%23@10.0.0.1:1081", "10.0.0.1:1081"),
            ("socks5h://:secret@10.0.0.1", "10.0.0.1:1080"),
            ("socks5h://[::1]:1080", "[::1]:1080"),
        ] {
            assert_eq!(host(text).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn none_is_no_proxy_and_nothing_else_is_silently_none() {
        assert_eq!(Proxy::parse("none"), Ok(Proxy::Nothing));
        let long = format!("socks5://u:{}@10.0.0.1", "x".repeat(256));
        for bad in [
            "",
            " ",
            "None",
            "off",
            "proxy.test",
            "proxy.test:3128",
            "10.0.0.1:1080",
            "http://",
            "http:///",
            "socks5://",
            "socks5://:1080",
            "socks://10.0.0.1",
            "socks4://10.0.0.1",
            "ftp://proxy.test",
            "http://proxy.test/path",
            "http://proxy.test?x",
            "http://u:p#x@proxy.test",
            "socks5://u:p/x@proxy.test",
            "http://proxy.test:99999",
            "http://pro xy.test",
            "socks5://прокси.test:1080",
            "socks5://u:a b@10.0.0.1 ",
            &long,
        ] {
            assert!(Proxy::parse(bad).is_err() || host(bad).is_some(), "{bad} is silently none");
        }
        for bad in ["", "None", "proxy.test:3128", "socks5://", "socks4://10.0.0.1", "http://u:p#x@proxy.test", &long] {
            assert!(Proxy::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_of_a_password_is_shown() {
        let proxy = Proxy::parse("socks5h://hushuser:hush@10.0.0.1:1080").unwrap();
        assert_eq!(format!("{proxy:?}"), "At(socks5h://10.0.0.1:1080)");
        let egress = crate::net::Egress::new(proxy);
        let place = egress.place(&Url::parse("https://api.telegram.org/bot1:hush/getMe").unwrap());
        assert_eq!(place.to_string(), "api.telegram.org through the proxy 10.0.0.1:1080");
        assert!(!format!("{egress:?} {place:?}").contains("hush"));
        for bad in ["socks4://u:hush@10.0.0.1", "http://u:hush#@10.0.0.1", "u:hush@10.0.0.1"] {
            assert!(!Proxy::parse(bad).unwrap_err().to_string().contains("hush"), "{bad}");
        }
    }
}
