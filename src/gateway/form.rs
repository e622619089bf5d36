//! Parses `multipart/form-data` (RFC 7578), also if only the beginning of a form is there. Pure.

use std::collections::BTreeMap;

/// A file of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
}

/// The complete parts of a form.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) values: BTreeMap<String, String>,
    pub(super) files: BTreeMap<String, File>,
    /// Whether the end of the form was there.
    pub(super) is_complete: bool,
}

/// The boundary parameter of a content type.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let parameters = content_type.split(';').skip(1);
    let mut named = parameters.filter_map(|it| it.trim().split_once('='));
    let (_, value) = named.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    Some(value.trim_matches('"').to_owned()).filter(|boundary| !boundary.is_empty())
}

/// Reads all parts that are complete.
pub(super) fn read(body: &[u8], boundary: &str) -> Form {
    let (mut form, line) = (Form::default(), format!("\r\n--{boundary}").into_bytes());
    // The first delimiter has no line break before it, unless there is a preamble.
    let Some(begin) = body.strip_prefix(&line[2..]).or_else(|| after(body, &line)) else { return form };
    let mut rest = begin;
    loop {
        if rest.starts_with(b"--") {
            form.is_complete = true;
            return form;
        }
        let Some((head, after_head)) = split(rest, b"\r\n\r\n") else { return form };
        // A part without a header begins with the empty line.
        let Some((content, next)) = split(after_head, &line) else { return form };
        add_part(&mut form, head, content);
        rest = next;
    }
}

fn add_part(form: &mut Form, head: &[u8], content: &[u8]) {
    let head = String::from_utf8_lossy(head);
    let is_disposition = |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition:");
    let Some(disposition) = head.lines().find(is_disposition) else { return };
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

fn after<'b>(bytes: &'b [u8], at: &[u8]) -> Option<&'b [u8]> {
    split(bytes, at).map(|(_, after)| after)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
