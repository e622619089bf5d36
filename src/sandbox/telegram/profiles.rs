//! Customers' pictures of themselves, and those of groups.

use std::hash::{DefaultHasher, Hash, Hasher};

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
    let (file, unique_id) = keep(world, token, bytes);
    let mut shape: Value = json!({});
    attachments::attach(&mut shape, &file, None);
    let mut sizes = shape["photo"].take();
    sizes[1]["file_unique_id"] = json!(unique_id);
    Ok(json!({ "total_count": 1, "photos": [sizes] }))
}

/// `ChatFullInfo` of a group with its photo.
pub(super) fn with_photo(world: &mut World, token: &str, group: i64, mut shape: Value) -> Value {
    let group = world.bots.get(token).and_then(|bot| bot.groups.get(&group));
    if let Some(bytes) = group.and_then(|group| group.photo.clone()) {
        let (file, unique_id) = keep(world, token, bytes);
        shape["photo"] = json!({ "small_file_id": "small", "small_file_unique_id": "s", "big_file_id": file.file_id,
            "big_file_unique_id": unique_id });
    }
    shape
}

/// The same picture gets another id with every answer, but always the same unique one.
fn keep(world: &mut World, token: &str, bytes: Bytes) -> (Attachment, String) {
    let mut digest = DefaultHasher::new();
    bytes.hash(&mut digest);
    let unique_id = format!("AQAD{:016x}", digest.finish());
    let file = NewFile { kind: FileKind::Photo, bytes: bytes.clone(), name: None, caption: None };
    (attachments::keep(&mut world.files, token, bytes, Attachment::of(&file)), unique_id)
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

    /// A group has this picture from now on, or none.
    pub fn set_group_photo(&self, token: &str, group: i64, picture: Option<Bytes>) {
        self.core.world.change(|world| {
            let group = world.bots.get_mut(token).and_then(|bot| bot.groups.get_mut(&group));
            if let Some(group) = group {
                group.photo = picture;
            }
        });
    }
}
