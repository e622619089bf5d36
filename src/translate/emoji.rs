//! The emoji that bots may react with.

/// All allowed emoji (Bot API, `ReactionTypeEmoji`), without variation selectors as Telegram writes them.
const ALLOWED: &str = "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 \
                       🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡";

/// Allowed emoji for others with the same meaning, without variation selectors and skin tones.
const NEAREST: &[(&str, &str)] = &[
    ("❤", "♥ 🧡 💛 💚 💙 💜 🖤 🤍 🤎 🩷 🩵 🩶 💖 💗 💓 💞 💕 💟 ❣"),
    ("👍", "✅ ✔ ☑ 🆗"),
    ("👎", "❌ ✖"),
    ("🔥", "💥"),
    ("👏", "🙌"),
    ("😁", "😀 😃 😄 😅 😆 😊 🙂 ☺ 😺 😸"),
    ("🤣", "😂 😹"),
    ("🤔", "🧐"),
    ("😱", "😮 😯 😲 🙀"),
    ("🤬", "😤"),
    ("😡", "😠 👿"),
    ("😢", "😥 😞 😔 🙁 ☹ 😟 😿"),
    ("🎉", "🎊 🥳"),
    ("🤮", "🤢"),
    ("😐", "😑 😶"),
    ("😍", "😻"),
    ("😘", "😗 😙 😚 😽"),
    ("🤪", "😜 😝 😛"),
    ("😴", "💤 😪"),
    ("🤗", "🫂"),
    ("👨‍💻", "🧑‍💻 👩‍💻"),
    ("🎅", "🤶 🧑‍🎄"),
    ("☃", "⛄"),
    ("🏆", "🥇"),
    ("🍾", "🥂"),
    ("👀", "👁"),
    ("✍", "📝"),
];

/// All emoji that bots may react with.
pub fn all() -> impl Iterator<Item = &'static str> {
    ALLOWED.split(' ')
}

/// The allowed emoji for `emoji`: the same, or one with the same meaning; `None` if there is none.
#[must_use]
pub fn reaction(emoji: &str) -> Option<&'static str> {
    let plain: String = emoji.trim().chars().filter(|c| !is_modifier(*c)).collect();
    let same = ALLOWED.split(' ').find(|allowed| *allowed == plain);
    same.or_else(|| NEAREST.iter().find(|(_, others)| others.split(' ').any(|other| other == plain)).map(|it| it.0))
}

/// Variation selectors and skin tones.
const fn is_modifier(c: char) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_emoji_leads_to_an_allowed_one() {
        let allowed: BTreeSet<_> = ALLOWED.split(' ').collect();
        assert_eq!(allowed.len(), 73);
        let mut others = BTreeSet::new();
        for (nearest, all) in NEAREST {
            assert!(allowed.contains(nearest), "{nearest}");
            for other in all.split(' ') {
                assert!(!allowed.contains(other) && others.insert(other), "{other} stands twice");
                assert_eq!(reaction(other), Some(*nearest));
            }
        }
        assert!(allowed.iter().chain(&others).all(|emoji| !emoji.contains(is_modifier)));
        assert!(allowed.iter().all(|emoji| reaction(emoji) == Some(*emoji)));
    }

    #[test]
    fn modifiers_do_not_matter() {
        for (emoji, want) in [
            ("❤\u{fe0f}", Some("❤")),
            ("❤\u{fe0f}\u{200d}🔥", Some("❤\u{200d}🔥")),
            ("👍🏽", Some("👍")),
            ("🤷🏽\u{200d}♂\u{fe0f}", Some("🤷\u{200d}♂")),
            (" 😂 ", Some("🤣")),
            ("♥\u{fe0f}", Some("❤")),
            ("🦖", None),
            ("", None),
            (" ", None),
            ("👍👍", None),
            ("👍 👎", None),
        ] {
            assert_eq!(reaction(emoji), want, "{emoji:?}");
        }
    }
}
