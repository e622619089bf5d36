//! Requests as `multipart/form-data`: fields as text, and files.

use std::collections::BTreeMap;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Multipart, multipart::Field},
    http::Request,
};

use crate::sandbox::telegram::methods::Refusal;

/// The most bytes of all text fields together (server source).
const LARGEST_FIELDS: usize = 1 << 20;
/// The most files in a request (server source).
const MOST_FILES: usize = 50;

/// A file in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

/// What a form holds, by the names of its fields.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) fields: BTreeMap<String, String>,
    pub(super) files: BTreeMap<String, Upload>,
}

/// Reads a form whose files have at most `largest` bytes together.
///
/// What is too large is read to its end and forgotten: an answer to a client that still sends would be lost.
pub(super) async fn read(request: Request<Body>, largest: usize) -> Result<Form, Refusal> {
    let no_boundary = |_| Refusal::new(400, "Bad Request: boundary not found");
    let mut parts = Multipart::from_request(request, &()).await.map_err(no_boundary)?;
    let (mut form, mut refusal) = (Form::default(), None);
    let (mut uploaded, mut written) = (0, 0);
    while let Some(field) = parts.next_field().await.map_err(|_| broken())? {
        let name = field.name().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(Refusal::new(400, "Bad Request: field name in multipart/form-data not found"));
        }
        let file = field.file_name().map(|file| (file.to_owned(), content_type(&field)));
        let room = if file.is_some() { largest - uploaded } else { LARGEST_FIELDS - written };
        match (pull(field, room).await?, file) {
            (Some(_), Some(_)) if form.files.len() == MOST_FILES => {
                refusal = Some(Refusal::new(413, "Request Entity Too Large: too many files attached"));
            }
            (Some(bytes), Some((file_name, content_type))) => {
                uploaded += bytes.len();
                form.files.insert(name, Upload { name: file_name, content_type, bytes });
            }
            (Some(bytes), None) => {
                written += bytes.len();
                let utf8 = String::from_utf8(bytes.to_vec());
                form.fields.insert(
                    name,
                    utf8.map_err(|_| Refusal::new(400, "Bad Request: strings must be encoded in UTF-8"))?,
                );
            }
            (None, Some(_)) => refusal = Some(Refusal::new(413, "Request Entity Too Large")),
            (None, None) => {
                refusal = Some(Refusal::new(413, "Request Entity Too Large: too many parameters in form data"));
            }
        }
    }
    refusal.map_or(Ok(form), Err)
}

fn content_type(field: &Field<'_>) -> String {
    field.content_type().unwrap_or("application/octet-stream").to_owned()
}

/// The field's bytes, or nothing if there are more than `room`.
async fn pull(mut field: Field<'_>, room: usize) -> Result<Option<Bytes>, Refusal> {
    let (mut bytes, mut fits) = (Vec::new(), true);
    while let Some(chunk) = field.chunk().await.map_err(|_| broken())? {
        fits = fits && bytes.len() + chunk.len() <= room;
        if fits {
            bytes.extend_from_slice(&chunk);
        } else {
            bytes = Vec::new();
        }
    }
    Ok(fits.then(|| Bytes::from(bytes)))
}

const fn broken() -> Refusal {
    Refusal::new(400, "Bad Request: unexpected end of request content")
}
