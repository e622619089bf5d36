//! The scope of a hook: a channel that is connected to an account, as the hook's address names them.

use std::fmt;

/// The scope whose hooks are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Of(String),
    /// Any account with this channel. A first start may not know the account yet; the channel's secret signs the hooks
    /// of all.
    AnyOf(String),
}

impl Scope {
    /// Whether it is the scope that an address names.
    #[must_use]
    pub fn is_that_of(&self, named: &str) -> bool {
        match self {
            Self::Of(scope) => scope == named,
            Self::AnyOf(channel) => named
                .strip_prefix(channel.as_str())
                .is_some_and(|account| account.len() > 1 && account.starts_with('_')),
        }
    }

    /// Whether a path is the address of its hooks.
    #[must_use]
    pub fn is_addressed_by(&self, path: &str) -> bool {
        scope_of(path).is_some_and(|named| self.is_that_of(named))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(scope) => f.write_str(scope),
            Self::AnyOf(channel) => write!(f, "{channel}_…"),
        }
    }
}

/// The scope that a path names, if it is `/kommo/{scope_id}`; repeated slashes count as one.
pub(super) fn scope_of(path: &str) -> Option<&str> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match (segments.next(), segments.next(), segments.next()) {
        (Some("kommo"), Some(scope), None) => Some(scope),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_slashes_are_tolerated() {
        for path in ["/kommo/s", "//kommo/s", "/kommo//s/", "/kommo/s//"] {
            assert_eq!(scope_of(path), Some("s"), "{path}");
        }
        for path in ["/", "/kommo", "/kommo/", "/kommo/s/x", "/x/s"] {
            assert_eq!(scope_of(path), None, "{path}");
        }
    }

    #[test]
    fn an_account_that_is_not_known_yet_may_be_any_with_the_channel() {
        let (own, any) = (Scope::Of("c_a".to_owned()), Scope::AnyOf("c".to_owned()));
        for (named, is_own, is_any) in [
            ("c_a", true, true),
            ("c_b", false, true),
            ("c", false, false),
            ("c_", false, false),
            ("d_a", false, false),
        ] {
            assert_eq!((own.is_that_of(named), any.is_that_of(named)), (is_own, is_any), "{named}");
        }
    }
}
