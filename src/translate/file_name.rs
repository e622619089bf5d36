//! Names of files that come from strangers.

/// The longest name that is kept, in characters.
const LONGEST: usize = 120;

/// A name without what no file name may have: slashes, control characters, and marks that reverse the direction of
/// writing, by which `exe.jpg` can be shown for `gpj.exe`. One that is too long loses its middle and keeps its ending.
#[must_use]
pub fn clean(name: &str) -> String {
    let forbidden = |c: char| {
        c.is_control()
            || matches!(c, '/' | '\\' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let safe: String = name.chars().map(|c| if forbidden(c) { '_' } else { c }).collect();
    let safe = safe.trim().trim_start_matches('.');
    let length = safe.chars().count();
    if length <= LONGEST {
        return safe.to_owned();
    }
    let tail = ending(safe).map(|ending| format!("….{ending}")).unwrap_or_default();
    let head: String = safe.chars().take(LONGEST - tail.chars().count()).collect();
    format!("{head}{tail}")
}

/// What follows the last dot, if it looks like the name of a format.
#[must_use]
pub fn ending(name: &str) -> Option<&str> {
    let (_, ending) = name.rsplit_once('.')?;
    ((1..=8).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(ending)
}

/// A name for a file that has none.
#[must_use]
pub fn of_type(mime_type: Option<&str>) -> String {
    let ending = match mime_type {
        Some("application/pdf") => ".pdf",
        Some("application/zip") => ".zip",
        Some("image/jpeg") => ".jpg",
        Some("image/png") => ".png",
        Some("text/plain") => ".txt",
        Some("video/mp4") => ".mp4",
        Some(_) | None => "",
    };
    format!("file{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_letters_and_loses_its_dangers() {
        for (name, kept) in [
            ("Договор 📄.pdf", "Договор 📄.pdf"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("a\r\nSet-Cookie: x", "a__Set-Cookie: x"),
            ("\u{202e}gpj.exe", "_gpj.exe"),
            ("  .hidden ", "hidden"),
            ("...", ""),
        ] {
            assert_eq!(clean(name), kept);
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let long = clean(&format!("{}.docx", "ж".repeat(500)));
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with("ж….docx"), "{long}");
        assert_eq!(clean(&"x".repeat(500)).len(), LONGEST);
    }
}
