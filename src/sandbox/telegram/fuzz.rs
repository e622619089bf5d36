//! What is promised of requests to the fake Telegram, for any bytes: above all of forms with files.

use std::collections::BTreeMap;

use axum::{
    body::{Body, Bytes},
    http::{Request, header},
};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use reqwest::multipart;

use crate::{
    fuzz::input::Input,
    sandbox::telegram::{
        arguments::Arguments,
        methods::Refusal,
        uploads::{Form, read},
    },
    translate::file_name,
};

/// The most bytes of files that are taken here.
const LARGEST: usize = 1000;
/// What any name of a file keeps.
const PLAIN: &[u8] = b"._- ";

/// A type of content in one line, and a body; or parts, of which a form is made.
pub(crate) fn multipart(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() % 3 {
        0 => any(&mut input),
        1 => made(&mut input),
        _ => arguments(&mut input),
    }
}

fn received(content_type: &str, chunks: Vec<Bytes>) -> Option<Result<Form, Refusal>> {
    let body = Body::from_stream(stream::iter(chunks.into_iter().map(Ok::<_, std::convert::Infallible>)));
    let request = Request::post("/").header(header::CONTENT_TYPE, content_type).body(body).ok()?;
    Some(read(request, LARGEST).now_or_never().expect("nothing is waited for"))
}

/// A form holds what the body holds, never too much of it, and the same however the body comes in.
fn any(input: &mut Input<'_>) {
    let (content_type, size) = (input.line(), 1 + usize::from(input.byte()));
    let body = input.rest();
    let Some(whole) = received(&content_type, vec![Bytes::copy_from_slice(body)]) else { return };
    let chunks = body.chunks(size).map(Bytes::copy_from_slice).collect();
    let in_pieces = received(&content_type, chunks).expect("it is a request as before");
    match (whole, in_pieces) {
        (Ok(form), Ok(again)) => {
            assert_eq!((&form.fields, &form.files), (&again.fields, &again.files));
            assert!(form.files.values().map(|file| file.bytes.len()).sum::<usize>() <= LARGEST);
            assert!(form.fields.keys().chain(form.files.keys()).all(|name| !name.is_empty()));
            let contents = form.files.values().map(|file| &file.bytes[..]);
            for content in contents.chain(form.fields.values().map(String::as_bytes)) {
                assert!(content.is_empty() || body.windows(content.len()).any(|run| run == content));
            }
        }
        (Err(refusal), Err(again)) => {
            assert_eq!(refusal, again);
            assert!([400, 413].contains(&refusal.code), "{refusal:?}");
        }
        (whole, in_pieces) => unreachable!("{whole:?} became {in_pieces:?}"),
    }
}

/// What the bridge's own client writes is read as it was meant.
fn made(input: &mut Input<'_>) {
    let (mut form, mut fields, mut files) = (multipart::Form::new(), BTreeMap::new(), BTreeMap::new());
    for n in 0..=input.byte() % 4 {
        let text = input.line();
        form = form.text(format!("field{n}"), text.clone());
        fields.insert(format!("field{n}"), text);
    }
    for n in 0..input.byte() % 4 {
        // As those of managers' files are.
        let (name, content) = (file_name::clean(&input.line()), input.line().into_bytes());
        form = form.part(format!("file{n}"), multipart::Part::bytes(content.clone()).file_name(name.clone()));
        files.insert(format!("file{n}"), (name, content));
    }
    let content_type = format!("multipart/form-data; boundary={}", form.boundary());
    let stream = form.into_stream().map(|chunk| chunk.expect("it lies in memory"));
    let chunks = stream.collect::<Vec<_>>().now_or_never().expect("nothing is waited for");
    let read = received(&content_type, chunks).expect("it is a request");
    if files.values().map(|(_, content)| content.len()).sum::<usize>() > LARGEST {
        assert!(read.is_err_and(|refusal| refusal.code == 413));
        return;
    }
    let read = read.unwrap_or_else(|refusal| unreachable!("{refusal:?} of {fields:?} {files:?}"));
    assert_eq!(read.fields, fields);
    assert!(read.files.keys().eq(files.keys()));
    for (field, (name, content)) in &files {
        let file = &read.files[field];
        assert_eq!(file.bytes, content[..]);
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || PLAIN.contains(&byte));
        assert!(!is_plain || file.name == *name, "{name:?} became {:?}", file.name);
    }
}

/// Arguments in a query and in a body: each is a text, and none is made up.
fn arguments(input: &mut Input<'_>) {
    let kinds = ["application/json", "application/x-www-form-urlencoded; charset=utf-8", "text/plain"];
    let kind = kinds[usize::from(input.byte()) % kinds.len()];
    let (query, name) = (input.line(), input.line());
    match Arguments::parse(Some(&query), kind, input.rest()) {
        Ok(arguments) => {
            assert!(arguments.text(&name).is_none_or(|text| !text.is_empty()));
            assert!((1..=100).contains(&arguments.integer(&name, 5, 1, 100)));
            assert!(arguments.file(&name).is_none());
            assert!(!arguments.flag(&name) || arguments.text(&name).is_some());
        }
        Err(why) => assert!(why.starts_with("Bad Request: "), "{why}"),
    }
}
