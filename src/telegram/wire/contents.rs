//! Contents of messages other than text.

use crate::lenient::lenient;

lenient! {
    /// A file of any kind: a size of a photo, a video, a voice message, a document, a sticker. Each kind has some of
    /// these fields.
    pub struct File {
        /// The id by which the bot can download it.
        pub file_id: String,
        /// The id of the same file for every bot.
        pub file_unique_id: String,
        /// Bytes.
        pub file_size: u64,
        /// The name from the sender's device.
        pub file_name: String,
        /// The type that the sender's app declares.
        pub mime_type: String,
        /// Seconds.
        pub duration: u32,
        /// Pixels, of a photo.
        pub width: u32,
        /// Pixels, of a photo.
        pub height: u32,
        /// The artist, of music.
        pub performer: String,
        /// The title, of music.
        pub title: String,
        /// The emoji of a sticker.
        pub emoji: String,
        /// Whether a sticker is a vector animation.
        pub is_animated: bool,
        /// Whether a sticker is a video.
        pub is_video: bool,
        /// A small preview, as WEBP or JPEG.
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
        pub phone_number: String,
        pub first_name: String,
        pub last_name: String,
        /// The complete vCard.
        pub vcard: String,
    }
}
