//! Observes every request, so that one place can count all of them.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{Method, Url};

/// One request and its outcome.
#[derive(Debug)]
pub struct ObservedRequest<'a> {
    pub method: &'a Method,
    /// Its URL. It may contain a secret, so only known parts of it may be shown.
    pub url: &'a Url,
    /// The status of the response; `None` without one, also if the request was cancelled.
    pub status: Option<u16>,
    /// The time until the head of the response, or until the failure.
    pub took: Duration,
}

/// A callback for each request.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&ObservedRequest<'_>) + Send + Sync>);

impl Observer {
    pub fn new(observe: impl Fn(&ObservedRequest<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// A request under way. It is observed when this is dropped, however it ended.
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
        if let Some(Observer(observe)) = &self.observer {
            let (method, url) = (&self.method, &self.url);
            observe(&ObservedRequest { method, url, status: self.status, took: self.began.elapsed() });
        }
    }
}
