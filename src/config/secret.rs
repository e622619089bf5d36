//! Values that are never shown.

use std::fmt;

use zeroize::Zeroizing;

use crate::{config::error::Wrong, domain::address::BotId};

/// A text that cannot be printed by accident: no `Display`, no `Serialize`, and `Debug` hides it. Its memory is
/// overwritten when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text that must not be shown.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Reads a token that travels in an HTTP header.
    ///
    /// # Errors
    /// [`Wrong`] if it is empty or has a character other than printable ASCII without the space.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Wrong::new("is not a token: write it in one piece, without spaces"));
        }
        Ok(Self::new(text.to_owned()))
    }

    /// The text itself. To be used only where it is sent or signs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The token of a bot, from `@BotFather`: the bot's id, a colon, and the secret part.
#[derive(Clone, Debug)]
pub struct BotToken {
    bot_id: BotId,
    secret: Secret,
}

impl BotToken {
    /// Reads a token.
    ///
    /// # Errors
    /// [`Wrong`] unless it is digits, a colon, and letters, digits, `_` or `-`.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || Wrong::new("is not a bot token: write it as @BotFather gave it, such as \"123456:ABC-def_1\"");
        let (bot, rest) = text.split_once(':').ok_or_else(wrong)?;
        if !bot.bytes().all(|byte| byte.is_ascii_digit()) || rest.is_empty() || !rest.bytes().all(is_token_byte) {
            return Err(wrong());
        }
        Ok(Self { bot_id: BotId(bot.parse().map_err(|_| wrong())?), secret: Secret::new(text.to_owned()) })
    }

    /// The bot whose token it is.
    #[must_use]
    pub const fn bot_id(&self) -> BotId {
        self.bot_id
    }

    /// The whole token. To be used only where it is sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.secret.expose()
    }
}

/// The key of the channel, from the support's answer: 40 hexadecimal characters.
///
/// The signatures take it as the text it is, letter case included; it is never decoded (Chats API, signing).
#[derive(Clone, Debug)]
pub struct ChannelSecret(Secret);

impl ChannelSecret {
    /// Reads a channel secret.
    ///
    /// # Errors
    /// [`Wrong`] unless it is 40 hexadecimal characters.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        if text.len() != HEX_CHARS || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Wrong::new(
                "is not a channel secret: write the 40 hexadecimal characters of the support's answer",
            ));
        }
        Ok(Self(Secret::new(text.to_owned())))
    }

    /// The text itself. To be used only where it signs.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// The length of a channel secret.
const HEX_CHARS: usize = 40;

/// The shortest secret part that is taken for a bot token's; real ones have 35 characters.
const TOKEN_CHARS: usize = 20;

/// The shortest text that is taken for a REST token, which has several hundred characters.
const LONG_CHARS: usize = 80;

/// Whether a text might be a misplaced secret, and so must not be shown.
pub(super) fn resembles_secret(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_token = bytes.windows(2).enumerate().any(|(at, pair)| {
        let after = bytes[at + 2..].iter().take_while(|byte| is_token_byte(**byte)).count();
        pair[0].is_ascii_digit() && pair[1] == b':' && after >= TOKEN_CHARS
    });
    let has_hex = text.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() >= HEX_CHARS);
    let has_password = text.contains("://") && text.contains('@');
    let has_long = text.split(|c: char| c == '/' || c.is_whitespace()).any(|run| run.len() >= LONG_CHARS);
    has_token || has_hex || has_password || has_long
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

#[cfg(test)]
mod tests {
    use zeroize::ZeroizeOnDrop;

    use super::*;

    const TOKEN: &str = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1";

    #[test]
    fn debug_shows_the_bot_and_not_the_token() {
        let token = BotToken::parse(TOKEN).unwrap();
        assert_eq!(format!("{token:?}"), "BotToken { bot_id: BotId(123456789), secret: [secret] }");
        assert_eq!(token.expose(), TOKEN);
    }

    #[test]
    fn secrets_are_overwritten_when_they_are_dropped() {
        // Checked by type: reading freed memory would need unsafe code.
        const fn overwritten<T: ZeroizeOnDrop>(_: &T) {}
        let BotToken { bot_id: BotId(_), secret: Secret(text) } = BotToken::parse(TOKEN).unwrap();
        overwritten(&text);
        let ChannelSecret(Secret(text)) = ChannelSecret::parse(&"0a".repeat(20)).unwrap();
        overwritten(&text);
        // Signing keys are states of this hash.
        overwritten(&sha1::Sha1::default());
    }

    #[test]
    fn a_token_is_a_number_a_colon_and_a_word() {
        for good in [TOKEN, "1:a", "123456:ABC-def_1"] {
            assert!(BotToken::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ":", "1:", ":a", "a:b", "-1:a", "1:a b", "1:a:b", "1:ü", " 1:a", "99999999999999999999:a"] {
            assert!(BotToken::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_channel_secret_is_forty_hexadecimal_characters_as_they_are() {
        let mixed = "F2d7f8704eff95087ed45b23ba99c0b5aac8278e";
        assert_eq!(ChannelSecret::parse(mixed).map(|secret| secret.expose().to_owned()), Ok(mixed.to_owned()));
        for bad in ["", &mixed[1..], "g2d7f8704eff95087ed45b23ba99c0b5aac8278e"] {
            assert!(ChannelSecret::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn texts_that_resemble_secrets_are_recognised() {
        let long = "eyJ0".repeat(30);
        let hex = "f2d7f8704eff95087ed45b23ba99c0b5aac8278e";
        for secret in [TOKEN, &format!("https://api.telegram.org/bot{TOKEN}/"), hex, &long, "https://me:pw@example.com"]
        {
            assert!(resembles_secret(secret), "{secret}");
        }
        for plain in
            ["", ":", "1:", "127.0.0.1:8080", "52e591f7-c98f-4255-8495-827210138c81", "https://example.com/a", "7d"]
        {
            assert!(!resembles_secret(plain), "{plain}");
        }
    }
}
