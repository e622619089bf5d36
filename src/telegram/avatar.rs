//! Avatars of customers and groups.

use serde::Serialize;
use serde_json::{Value, value::RawValue};
use teloxide::requests::Payload;

use crate::{
    domain::{
        address::ContactId,
        avatar::{Picture, PictureLookup},
    },
    telegram::{
        bot::Bot,
        error::CallError,
        failure,
        wire::{File, RawObject},
    },
};

/// `getUserProfilePhotos`; the newest photo comes first.
#[derive(Serialize)]
struct GetUserProfilePhotos {
    user_id: i64,
    limit: u8,
}

impl Payload for GetUserProfilePhotos {
    type Output = Value;
    const NAME: &'static str = "GetUserProfilePhotos";
}

/// `getChat`.
#[derive(Serialize)]
pub(super) struct GetChat {
    pub(super) chat_id: i64,
}

impl Payload for GetChat {
    type Output = Value;
    const NAME: &'static str = "GetChat";
}

impl Bot {
    /// Finds the newest photo of a customer, in its largest size. A refusal means that the bot may not see it.
    pub async fn look_at(&self, customer: ContactId) -> PictureLookup {
        self.acquire().await;
        match customer {
            ContactId::Person(user) => {
                let payload = GetUserProfilePhotos { user_id: user.0, limit: 1 };
                look(self.sender.call(&payload).await, person)
            }
            ContactId::Group(chat_id) => look(self.sender.call(&GetChat { chat_id }).await, group),
        }
    }
}

fn look(answer: Result<Box<RawValue>, CallError>, read: impl Fn(&RawObject) -> Option<Picture>) -> PictureLookup {
    match answer.map_err(failure::of_repeatable) {
        Ok(answer) => {
            let answer: RawObject = serde_json::from_str(answer.get()).unwrap_or_default();
            read(&answer).map_or(PictureLookup::Hidden, PictureLookup::Found)
        }
        Err(failure) if failure.is_final() => PictureLookup::Hidden,
        Err(_) => PictureLookup::Unanswered,
    }
}

/// The largest size of the first photo (Bot API, `UserProfilePhotos`).
fn person(answer: &RawObject) -> Option<Picture> {
    let sizes = answer.read::<Vec<Vec<File>>>("photos")?.into_iter().next()?;
    let pixels = |size: &File| u64::from(size.width.unwrap_or_default()) * u64::from(size.height.unwrap_or_default());
    let largest = sizes.into_iter().filter(|size| size.file_id.is_some()).max_by_key(pixels)?;
    Some(Picture { unique_id: largest.file_unique_id?, file_id: largest.file_id?, size_bytes: largest.file_size })
}

/// The photo of a chat (Bot API, `ChatPhoto`).
fn group(answer: &RawObject) -> Option<Picture> {
    let photo = answer.part("photo");
    let (unique_id, file_id) = (photo.text("big_file_unique_id")?, photo.text("big_file_id")?);
    Some(Picture { unique_id, file_id, size_bytes: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(raw: &str) -> RawObject {
        serde_json::from_str(raw).unwrap()
    }

    #[test]
    fn a_person_is_shown_by_the_largest_size_of_the_first_photo() {
        let photos = r#"{"total_count":2,"photos":[
            [{"file_id":"s","file_unique_id":"us","width":160,"height":160,"file_size":7000},
             {"file_id":"b","file_unique_id":"ub","width":640,"height":640},
             {"file_id":"m","file_unique_id":"um","width":320,"height":320}],
            [{"file_id":"old","file_unique_id":"uo","width":900,"height":900}]]}"#;
        let picture = Picture { unique_id: "ub".to_owned(), file_id: "b".to_owned(), size_bytes: None };
        assert_eq!(person(&part(photos)), Some(picture));
        for none in [r#"{"total_count":0,"photos":[]}"#, r#"{"photos":[[]]}"#, r#"{"photos":7}"#, "{}"] {
            assert_eq!(person(&part(none)), None, "{none}");
        }
    }

    #[test]
    fn a_group_is_shown_by_its_big_photo() {
        let chat = r#"{"id":-5,"photo":{"small_file_id":"s","big_file_id":"b","big_file_unique_id":"ub"}}"#;
        let picture = Picture { unique_id: "ub".to_owned(), file_id: "b".to_owned(), size_bytes: None };
        assert_eq!(group(&part(chat)), Some(picture));
        assert_eq!(group(&part(r#"{"id":-5}"#)), None);
    }
}
