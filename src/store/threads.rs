//! What threads wait by. Whoever takes it from here can be tested with other threads than the system's.

pub(super) use std::{
    sync::{Mutex, mpsc},
    thread,
};
