//! Names of files that come from strangers.

/// The longest name that is kept, in bytes: file systems take 255, and who saves it may want to add to it.
const LONGEST: usize = 240;

/// Names that are devices on Windows, whatever ending follows.
const DEVICES: [&str; 4] = ["aux", "con", "nul", "prn"];

/// A name without what no file name may have: slashes, control characters, and marks that reverse the direction of
/// writing, by which `exe.jpg` can be shown for `gpj.exe`. One that is too long loses its middle and keeps its ending.
#[must_use]
pub fn clean(name: &str) -> String {
    let forbidden = |c: char| {
        c.is_control()
            || matches!(c, '/' | '\\' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let safe: String = name.chars().map(|c| if forbidden(c) { '_' } else { c }).collect();
    let safe = safe.trim().trim_start_matches('.');
    let device = if is_device(safe) { "_" } else { "" };
    if safe.len() + device.len() <= LONGEST {
        return format!("{device}{safe}");
    }
    let tail = ending(safe).map(|ending| format!("….{ending}")).unwrap_or_default();
    let head = &safe[..safe.floor_char_boundary(LONGEST - tail.len() - device.len())];
    format!("{device}{head}{tail}")
}

/// Whether Windows would take a name for one of its devices, such as `con.txt` or `LPT1`.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let numbered =
        stem.strip_suffix(|digit: char| digit.is_ascii_digit()).filter(|stem| matches!(*stem, "com" | "lpt"));
    numbered.is_some() || DEVICES.contains(&stem.as_str())
}

/// What follows the last dot, if it looks like the name of a format.
#[must_use]
pub fn ending(name: &str) -> Option<&str> {
    let (_, ending) = name.rsplit_once('.')?;
    ((1..=8).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(ending)
}

/// The last part of the path of an address, without what is escaped in it.
#[must_use]
pub fn of_url(url: &str) -> Option<String> {
    let (_, rest) = url.split(['?', '#']).next()?.split_once("://")?;
    let (_, last) = rest.rsplit_once('/')?;
    Some(unescaped(last)).filter(|name| !name.is_empty())
}

/// `%D1%84` is one letter. What is no escape stays as it is, and what is no text is marked.
fn unescaped(text: &str) -> String {
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
    fn an_address_names_its_file() {
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
    fn a_long_name_keeps_its_ending() {
        let long = clean(&format!("{}.docx", "ж".repeat(500)));
        assert!((LONGEST - 1..=LONGEST).contains(&long.len()), "{}", long.len());
        assert!(long.ends_with("ж….docx"), "{long}");
        assert_eq!(clean(&"x".repeat(500)).len(), LONGEST);
        assert_eq!(clean(&format!("con.{}", "x".repeat(500))).len(), LONGEST);
        assert!(clean(&"👩\u{200d}".repeat(500)).len() <= LONGEST);
    }
}
