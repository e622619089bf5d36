//! The primitives by which threads wait. Code that imports them from here can be tested with simulated threads.

pub(super) use std::{
    sync::{Mutex, mpsc},
    thread,
};
