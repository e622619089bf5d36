//! HTTPS without a web server in front: the certificate that the public listener itself shows.
//!
//! `pair` reads a certificate and its key, `served` is what the listener asks for each client, and `files` keeps that
//! in step with what lies on the disk.

mod files;
mod pair;
mod served;

pub use self::{
    files::Files,
    pair::{Pair, day},
    served::Served,
};
