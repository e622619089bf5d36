//! Makes file names from untrusted sources safe.

/// The longest name, in bytes. File systems accept 255, and whoever saves the file may extend the name.
const MAX_BYTES: usize = 240;

/// Device names of Windows, which may be followed by any extension.
const DEVICES: [&str; 4] = ["aux", "con", "nul", "prn"];

/// Replaces slashes, control characters, and marks that reverse the direction of writing, by which `gpj.exe` can be
/// shown as `exe.jpg`. A name that is too long keeps its beginning and its extension.
#[must_use]
pub fn clean(name: &str) -> String {
    let forbidden = |c: char| {
        c.is_control()
            || matches!(c, '/' | '\\' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let safe: String = name.chars().map(|c| if forbidden(c) { '_' } else { c }).collect();
    let safe = safe.trim().trim_start_matches('.');
    let device = if is_device(safe) { "_" } else { "" };
    if safe.len() + device.len() <= MAX_BYTES {
        return format!("{device}{safe}");
    }
    let tail = extension(safe).map(|extension| format!("….{extension}")).unwrap_or_default();
    let head = &safe[..safe.floor_char_boundary(MAX_BYTES - tail.len() - device.len())];
    format!("{device}{head}{tail}")
}

/// Whether a name is a device on Windows, such as `con.txt` or `LPT1`.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let numbered =
        stem.strip_suffix(|digit: char| digit.is_ascii_digit()).filter(|stem| matches!(*stem, "com" | "lpt"));
    numbered.is_some() || DEVICES.contains(&stem.as_str())
}

/// The part after the last dot, if it looks like an extension.
#[must_use]
pub fn extension(name: &str) -> Option<&str> {
    let (_, extension) = name.rsplit_once('.')?;
    ((1..=8).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .then_some(extension)
}

/// The last segment of an address's path, percent-decoded.
#[must_use]
pub fn of_url(url: &str) -> Option<String> {
    let (_, rest) = url.split(['?', '#']).next()?.split_once("://")?;
    let (_, last) = rest.rsplit_once('/')?;
    Some(percent_decoded(last)).filter(|name| !name.is_empty())
}

/// Decodes percent-encoding. Invalid escapes stay, and invalid UTF-8 is replaced.
fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, others @ ..] = rest {
        let digit = |at: usize| others.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let escaped = if *first == b'%' { digit(0).zip(digit(1)) } else { None };
        if let Some(byte) = escaped.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            bytes.push(byte);
            rest = &others[2..];
        } else {
            bytes.push(*first);
            rest = others;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A name for a file without one.
#[must_use]
pub fn of_type(mime_type: Option<&str>) -> String {
    let extension = match mime_type {
        Some("application/pdf") => ".pdf",
        Some("application/zip") => ".zip",
        Some("image/jpeg") => ".jpg",
        Some("image/png") => ".png",
        Some("text/plain") => ".txt",
        Some("video/mp4") => ".mp4",
        Some(_) | None => "",
    };
    format!("file{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_its_dangerous_characters_only() {
        for (name, kept) in [
            ("Договор 📄.pdf", "Договор 📄.pdf"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("a\r\nSet-Cookie: x", "a__Set-Cookie: x"),
            ("\u{202e}gpj.exe", "_gpj.exe"),
            ("  .hidden ", "hidden"),
            ("...", ""),
            ("CON.txt", "_CON.txt"),
            ("lpt1", "_lpt1"),
            ("nul .tar.gz", "_nul .tar.gz"),
            ("contract.txt", "contract.txt"),
            ("COM.pdf", "COM.pdf"),
        ] {
            assert_eq!(clean(name), kept);
        }
    }

    #[test]
    fn the_name_is_the_last_segment_of_an_address() {
        for (url, name) in [
            ("https://a.com/x/image.jpg", Some("image.jpg")),
            ("https://a.com/x/%D0%94%D0%BE%D0%B3%20%F0%9F%93%84.pdf?token=a/b#c/d", Some("Дог 📄.pdf")),
            ("https://a.com/100%25.txt", Some("100%.txt")),
            ("https://a.com/50%zz%", Some("50%zz%")),
            ("https://a.com/%ff", Some("\u{fffd}")),
            ("https://a.com/..%2f..%2fpasswd", Some("../../passwd")),
            ("https://a.com/x/", None),
            ("https://a.com", None),
            ("image.jpg", None),
        ] {
            assert_eq!(of_url(url).as_deref(), name, "{url}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let long = clean(&format!("{}.docx", "ж".repeat(500)));
        assert!((MAX_BYTES - 1..=MAX_BYTES).contains(&long.len()), "{}", long.len());
        assert!(long.ends_with("ж….docx"), "{long}");
        assert_eq!(clean(&"x".repeat(500)).len(), MAX_BYTES);
        assert_eq!(clean(&format!("con.{}", "x".repeat(500))).len(), MAX_BYTES);
        assert!(clean(&"👩\u{200d}".repeat(500)).len() <= MAX_BYTES);
    }
}
