//! Files of the operator: reading text whatever editor saved it, who else can read them, and why the system denies
//! access.

pub mod denied;
pub mod people;
pub mod private;
pub mod readers;
pub mod text;
