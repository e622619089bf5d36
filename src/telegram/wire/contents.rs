//! What a message may hold besides text.

use crate::lenient::lenient;

lenient! {
    /// A file of any kind: a size of a picture, a video, a voice message, a document, a sticker. Each kind has some of
    /// these fields.
    pub struct File {
        /// The id by which the bot can have it.
        pub file_id: String,
        /// The id of the same file for every bot.
        pub file_unique_id: String,
        /// Bytes.
        pub file_size: u64,
        /// The name that its sender's device gave it.
        pub file_name: String,
        /// The type that its sender's app claims.
        pub mime_type: String,
        /// Seconds.
        pub duration: u32,
        /// Pixels; of a size of a picture.
        pub width: u32,
        /// Pixels; of a size of a picture.
        pub height: u32,
        /// Who plays, of music.
        pub performer: String,
        /// What is played, of music.
        pub title: String,
        /// What a sticker stands for.
        pub emoji: String,
        /// Whether a sticker is a vector animation.
        pub is_animated: bool,
        /// Whether a sticker is a video.
        pub is_video: bool,
        /// A small image of it, as WEBP or JPEG.
        pub thumbnail: Box<File>,
    }

    pub struct Location {
        /// Degrees north.
        pub latitude: f64,
        /// Degrees east.
        pub longitude: f64,
    }

    /// A place with a name.
    pub struct Venue {
        pub location: Location,
        pub title: String,
        pub address: String,
    }

    pub struct Contact {
        /// The phone number.
        pub phone_number: String,
        /// The first name.
        pub first_name: String,
        /// The last name.
        pub last_name: String,
        /// The whole card (vCard).
        pub vcard: String,
    }
}
