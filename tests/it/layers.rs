//! The rules between the rooms, held against the source.
