//! Observes every request, so that all of them can be counted in one place.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{Method, Url};

/// One request, and how it went.
#[derive(Debug)]
pub struct Seen<'a> {
    pub method: &'a Method,
    /// Where it went. It may hold a secret, so only parts that are known may be shown.
    pub url: &'a Url,
    /// The status of the answer; `None` if none came, be it that nobody waited for it any more.
    pub status: Option<u16>,
    /// How long it took until the head of the answer came, or until it was given up.
    pub took: Duration,
}

/// Sees requests.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&Seen<'_>) + Send + Sync>);

impl Observer {
    pub fn new(see: impl Fn(&Seen<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(see))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// A request under way. It is seen when this is dropped, however it ends.
pub(super) struct UnderWay {
    observer: Option<Observer>,
    method: Method,
    url: Url,
    status: Option<u16>,
    began: Instant,
}

impl UnderWay {
    pub(super) fn new(observer: Option<&Observer>, method: &Method, url: &Url) -> Self {
        let (observer, method, url) = (observer.cloned(), method.clone(), url.clone());
        Self { observer, method, url, status: None, began: Instant::now() }
    }

    pub(super) fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(Observer(see)) = &self.observer {
            let (method, url) = (&self.method, &self.url);
            see(&Seen { method, url, status: self.status, took: self.began.elapsed() });
        }
    }
}
