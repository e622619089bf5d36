//! Files that an operator makes: their text, whatever editor saved it, who can read them, and why the system refuses
//! them.

pub mod denied;
pub mod people;
pub mod private;
pub mod readers;
pub mod text;
