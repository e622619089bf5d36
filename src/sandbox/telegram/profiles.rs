//! Customers' pictures of themselves.

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::sandbox::telegram::{
    Attachment, FakeTelegram, FileKind, NewFile,
    arguments::Arguments,
    attachments,
    methods::{Answer, Refusal},
    world::World,
};

/// `getUserProfilePhotos`.
pub(super) fn photos(world: &mut World, token: &str, arguments: &Arguments) -> Answer {
    let id = arguments.text("user_id").ok_or(Refusal::new(400, "Bad Request: invalid user_id specified"))?;
    let person = id.parse().ok().and_then(|id: i64| world.customers.get(&id));
    let person = person.ok_or(Refusal::new(400, "Bad Request: user not found"))?;
    let offset = arguments.integer("offset", 0, 0, i64::from(i32::MAX));
    let Some(bytes) = person.avatar.clone() else { return Ok(json!({ "total_count": 0, "photos": [] })) };
    if offset > 0 {
        return Ok(json!({ "total_count": 1, "photos": [] }));
    }
    let file = NewFile { kind: FileKind::Photo, bytes: bytes.clone(), name: None, caption: None };
    let file = attachments::keep(&mut world.files, token, bytes, Attachment::of(&file));
    let mut shape: Value = json!({});
    attachments::attach(&mut shape, &file, None);
    Ok(json!({ "total_count": 1, "photos": [shape["photo"]] }))
}

impl FakeTelegram {
    /// A customer has this picture of themselves from now on, or none.
    pub fn set_avatar(&self, customer: i64, picture: Option<Bytes>) {
        self.core.world.change(|world| {
            if let Some(person) = world.customers.get_mut(&customer) {
                person.avatar = picture;
            }
        });
    }
}
