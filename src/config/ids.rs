//! Ids that Kommo has assigned.

use std::fmt;

use crate::config::error::Wrong;

/// The positions of hyphens in a UUID.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The length of a UUID in characters.
const UUID_CHARS: usize = 36;

/// A UUID in lower case, as Kommo writes them: ids are compared as texts.
fn uuid(text: &str) -> Result<String, Wrong> {
    let fits = |(at, byte): (usize, u8)| if HYPHENS.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    if text.len() != UUID_CHARS || !text.bytes().enumerate().all(fits) {
        return Err(Wrong::new("is not a UUID: write 36 characters such as \"52e591f7-c98f-4255-8495-827210138c81\""));
    }
    Ok(text.to_ascii_lowercase())
}

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads the id, in either letter case.
            ///
            /// # Errors
            /// [`Wrong`] unless it is hexadecimal characters in the shape 8-4-4-4-12.
            pub fn parse(text: &str) -> Result<Self, Wrong> {
                uuid(text).map(Self)
            }

            /// The id in lower case.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

uuid_id! {
    /// The channel. Kommo assigns the id when it registers one.
    ChannelId
    /// The account by its Chats-API id, `amojo_id`; not the numeric `id` of its REST API.
    AccountId
    /// The channel's bot, assigned with the channel: the `ref_id` of messages that nobody in the account wrote.
    ChannelBotId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_compared_in_lower_case() {
        let id = ChannelId::parse("52E591F7-c98f-4255-8495-827210138C81");
        assert_eq!(id.map(|id| id.to_string()), Ok("52e591f7-c98f-4255-8495-827210138c81".to_owned()));
    }

    #[test]
    fn other_shapes_are_refused() {
        for bad in [
            "",
            "52e591f7c98f42558495827210138c81",
            "{52e591f7-c98f-4255-8495-827210138c8}",
            "52e591f7-c98f-4255-8495-827210138c8g",
            "52e591f7-c98f-4255-84955-27210138c81",
            "52e591f7-c98f-4255-8495-827210138c8ж",
        ] {
            assert!(AccountId::parse(bad).is_err(), "{bad}");
        }
    }
}
