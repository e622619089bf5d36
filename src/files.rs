//! Files that an operator makes: their text, however an editor saved it, who can read them, and why the system refuses one.

pub mod denied;
pub mod people;
pub mod readers;
pub mod text;
