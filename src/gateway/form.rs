//! Forms with files (RFC 7578), of which perhaps only the beginning is there. Without I/O.

use std::collections::BTreeMap;

/// A file of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
}

/// What was read of a form.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) values: BTreeMap<String, String>,
    pub(super) files: BTreeMap<String, File>,
    /// Whether it was read to its end.
    pub(super) is_whole: bool,
}

/// The line between the parts of a form, as its content type tells it.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let parameters = content_type.split(';').skip(1);
    let mut named = parameters.filter_map(|it| it.trim().split_once('='));
    let (_, value) = named.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    Some(value.trim_matches('"').to_owned()).filter(|boundary| !boundary.is_empty())
}

/// Reads as many parts as are there in full.
pub(super) fn read(body: &[u8], boundary: &str) -> Form {
    let (mut form, line) = (Form::default(), format!("\r\n--{boundary}").into_bytes());
    // The first line has no line before it, unless somebody has written one.
    let Some(begin) = body.strip_prefix(&line[2..]).or_else(|| behind(body, &line)) else { return form };
    let mut rest = begin;
    loop {
        if rest.starts_with(b"--") {
            form.is_whole = true;
            return form;
        }
        let Some((head, behind_head)) = split(rest, b"\r\n\r\n") else { return form };
        // A part without a header begins with the empty line.
        let Some((content, next)) = split(behind_head, &line) else { return form };
        take(&mut form, head, content);
        rest = next;
    }
}

fn take(form: &mut Form, head: &[u8], content: &[u8]) {
    let head = String::from_utf8_lossy(head);
    let is_it = |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition:");
    let Some(disposition) = head.lines().find(is_it) else { return };
    let Some(name) = parameter(disposition, "name") else { return };
    if parameter(disposition, "filename").is_some() || disposition.to_ascii_lowercase().contains("filename*=") {
        form.files.insert(name, File { bytes: content.to_vec() });
    } else {
        form.values.insert(name, String::from_utf8_lossy(content).into_owned());
    }
}

/// A parameter of a header field, quoted or not.
fn parameter(field: &str, name: &str) -> Option<String> {
    let mut rest = field.split_once(';')?.1;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.find('"')?;
                (&quoted[..end], quoted[end + 1..].trim_start_matches([';', ' ']))
            }
            None => after.split_once(';').unwrap_or((after, "")),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = next;
    }
}

fn split<'b>(bytes: &'b [u8], at: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let begin = find(bytes, at)?;
    Some((&bytes[..begin], &bytes[begin + at.len()..]))
}

fn behind<'b>(bytes: &'b [u8], at: &[u8]) -> Option<&'b [u8]> {
    split(bytes, at).map(|(_, behind)| behind)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
