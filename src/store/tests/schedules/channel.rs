//! `std::sync::mpsc` for the scheduler's threads. Shuttle's own keeps what nobody will read any more until the last
//! sender goes; the system's drops it with the receiver, and whoever waits for an answer relies on that.

use std::{collections::VecDeque, sync::Arc};

use shuttle::sync::{Condvar, Mutex};

struct Channel<T> {
    state: Mutex<State<T>>,
    news: Condvar,
}

struct State<T> {
    messages: VecDeque<T>,
    is_read: bool,
    senders: usize,
}

pub(super) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let state = State { messages: VecDeque::new(), is_read: true, senders: 1 };
    let channel = Arc::new(Channel { state: Mutex::new(state), news: Condvar::new() });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

pub(super) struct Sender<T>(Arc<Channel<T>>);

impl<T> Sender<T> {
    /// Gives the message back if nobody will read it.
    pub(super) fn send(&self, message: T) -> Result<(), T> {
        let mut state = self.0.state.lock().unwrap();
        if !state.is_read {
            return Err(message);
        }
        state.messages.push_back(message);
        self.0.news.notify_one();
        Ok(())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().senders -= 1;
        self.0.news.notify_one();
    }
}

pub(super) struct Receiver<T>(Arc<Channel<T>>);

impl<T> Receiver<T> {
    /// The next message; nothing, if none is there and none can come.
    pub(super) fn recv(&self) -> Result<T, ()> {
        let mut state = self.0.state.lock().unwrap();
        loop {
            match state.messages.pop_front() {
                Some(message) => return Ok(message),
                None if state.senders == 0 => return Err(()),
                None => state = self.0.news.wait(state).unwrap(),
            }
        }
    }

    /// What is there.
    pub(super) fn try_iter(&self) -> impl Iterator<Item = T> + use<'_, T> {
        std::iter::from_fn(|| self.0.state.lock().unwrap().messages.pop_front())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let unread = {
            let mut state = self.0.state.lock().unwrap();
            state.is_read = false;
            std::mem::take(&mut state.messages)
        };
        drop(unread);
    }
}

#[test]
fn the_system_drops_what_nobody_will_read() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let (sender_of_answer, answer) = tokio::sync::oneshot::channel::<()>();
    sender.send(sender_of_answer).unwrap();
    drop(receiver);
    assert!(answer.blocking_recv().is_err(), "a caller that waits gets an error");
    assert!(sender.send(tokio::sync::oneshot::channel().0).is_err());
}
