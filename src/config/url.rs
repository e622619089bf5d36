//! URLs of servers.

use std::fmt;

use reqwest::Url;

use crate::config::error::Wrong;

/// The base URL of a server. Displayed without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Parses a URL. It may have a path; a trailing slash makes no difference.
    ///
    /// # Errors
    /// [`Wrong`] unless it is `http://` or `https://` and a host, without user, password, query and fragment.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || Wrong::new("is not an address: write one such as \"https://bridge.example.com\"");
        let with_host = ["http://", "https://"]
            .iter()
            .filter_map(|scheme| text.strip_prefix(scheme))
            .any(|rest| !rest.starts_with('/') && rest.chars().all(|c| c.is_ascii_graphic() || c.is_alphanumeric()));
        let mut url = Url::parse(text).ok().filter(|_| with_host).ok_or_else(wrong)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Wrong::new("has a user or a password: write the address without"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Wrong::new("has a query or a fragment: end the address before the ? or #"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The URL without a trailing slash, so that a path that begins with one can follow.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The URL for a client that appends paths itself.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        for (text, want) in [
            ("https://example.com", "https://example.com"),
            ("https://example.com/", "https://example.com"),
            ("https://Example.com:443/a/b//", "https://example.com/a/b"),
            ("http://127.0.0.1:8081/", "http://127.0.0.1:8081"),
            ("http://[::1]:8081", "http://[::1]:8081"),
        ] {
            assert_eq!(BaseUrl::parse(text).map(|url| url.to_string()), Ok(want.to_owned()));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "example.com",
            "ftp://example.com",
            "https:example.com",
            "https://",
            "https:///a",
            " https://example.com",
            "https://exa mple.com",
            "https://me@example.com",
            "https://me:pw@example.com",
            "https://example.com/?",
            "https://example.com/?a=b",
            "https://example.com/#a",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
