//! Content types and `Content-Disposition` of files.

use std::fmt::Write as _;

use axum::http::HeaderValue;

/// The type of an unknown file.
pub(super) const UNKNOWN: &str = "application/octet-stream";

/// The type of a file by the extension of its path at Telegram.
pub(super) fn type_of(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("mp4") => "video/mp4",
        Some("oga" | "ogg") => "audio/ogg",
        Some("mp3") => "audio/mpeg",
        Some(_) | None => UNKNOWN,
    }
}

/// A declared type without its parameters. An invalid one, several in one value, and any type that a browser may show
/// as a page become the type of unknown files.
pub(super) fn safe_type(declared: &str) -> &str {
    let kind = declared.split(';').next().unwrap_or_default().trim();
    let is_type = |(of, kind): (&str, &str)| is_token(of) && is_token(kind) && !is_page(of, kind);
    if kind.split_once('/').is_some_and(is_type) { kind } else { UNKNOWN }
}

/// HTML, XML, which may contain HTML, images that may contain scripts, and types that may wrap any of them.
fn is_page(of: &str, kind: &str) -> bool {
    let (of, kind) = (of.to_ascii_lowercase(), kind.to_ascii_lowercase());
    let is_markup = kind.ends_with("xml") || ["html", "svg", "xsl"].iter().any(|markup| kind.contains(markup));
    is_markup || matches!(of.as_str(), "multipart" | "message") || kind == "hta"
}

/// RFC 9110, "Tokens".
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// `Content-Disposition`: browsers show images, videos and audio, and save anything else. It has the name twice (RFC
/// 6266): in ASCII for old clients, and in full, encoded by RFC 5987.
pub(super) fn header(kind: &str, name: &str) -> HeaderValue {
    let disposition = if is_inline(kind) { "inline" } else { "attachment" };
    let plain: String = name.chars().map(|c| if is_safe_ascii(c) { c } else { '_' }).collect();
    let text = format!("{disposition}; filename=\"{plain}\"; filename*=UTF-8''{}", encoded(name));
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

fn is_inline(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    ["image/", "video/", "audio/"].iter().any(|shown| kind.starts_with(shown))
}

const fn is_safe_ascii(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '/' | '%')
}

/// Percent-encodes a name. Control characters and slashes are replaced.
fn encoded(name: &str) -> String {
    let safe_name =
        name.chars().map(|c| if c.is_control() || matches!(c, '/' | '\\') { '_' } else { c }).collect::<String>();
    safe_name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a String cannot fail");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_types_are_shown_inline() {
        for (kind, shown) in [
            ("image/jpeg", true),
            ("VIDEO/mp4", true),
            ("audio/ogg", true),
            ("image/svg+xml", false),
            ("text/html", false),
            ("application/pdf", false),
            ("", false),
        ] {
            assert_eq!(header(safe_type(kind), "x").to_str().unwrap().starts_with("inline"), shown, "{kind}");
        }
    }

    #[test]
    fn only_a_single_valid_type_is_kept() {
        for (declared, safe_name) in [
            ("image/png", "image/png"),
            ("Application/VND.ms-excel", "Application/VND.ms-excel"),
            ("audio/ogg; codecs=opus", "audio/ogg"),
            (" text/plain ", "text/plain"),
            ("image/png,text/html", UNKNOWN),
            ("image/png, text/html", UNKNOWN),
            ("image/png text/html", UNKNOWN),
            ("image/png\r\nX: y", UNKNOWN),
            ("image/png/x", UNKNOWN),
            ("image/", UNKNOWN),
            ("/png", UNKNOWN),
            ("image", UNKNOWN),
            ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", WORD),
            ("картинка/png", UNKNOWN),
            ("", UNKNOWN),
        ] {
            assert_eq!(safe_type(declared), safe_name, "{declared}");
        }
    }

    const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

    #[test]
    fn nothing_is_served_as_a_page() {
        for page in [
            "text/html",
            "TEXT/HTML; charset=utf-8",
            "application/xhtml+xml",
            "text/xml",
            "application/xml",
            "application/rss+xml",
            "application/xslt+xml",
            "text/xsl",
            "image/svg+xml",
            "Image/SVG",
            "image/html",
            "video/xml",
            "text/x-server-parsed-html",
            "application/vnd.wap.xhtml+xml",
            "multipart/related",
            "multipart/x-mixed-replace",
            "message/rfc822",
            "application/hta",
        ] {
            let kind = safe_type(page);
            assert_eq!(kind, UNKNOWN, "{page}");
            assert!(header(kind, "x.html").to_str().unwrap().starts_with("attachment;"), "{page}");
        }
    }

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        let text = header("application/pdf", "a\"; filename=\"b\r\nX: y/\\%é📄.pdf");
        assert_eq!(
            text.to_str().unwrap(),
            "attachment; filename=\"a_; filename=_b__X: y_____.pdf\"; \
             filename*=UTF-8''a%22%3B%20filename%3D%22b__X%3A%20y__%25%C3%A9%F0%9F%93%84.pdf"
        );
    }
}
