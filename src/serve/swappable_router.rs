//! A router that can be replaced while connections are open.

use std::sync::{Arc, PoisonError, RwLock};

use axum::{Router, body::Body, http::Request, response::IntoResponse};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

/// Passes each request to the current router. Requests under way finish with the previous one. Clones share it.
#[derive(Clone)]
pub struct SwappableRouter(Arc<RwLock<Router>>);

impl SwappableRouter {
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self(Arc::new(RwLock::new(router)))
    }

    /// Replaces the router.
    pub fn put(&self, router: Router) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = router;
    }

    /// The router for a listener.
    pub fn router(&self) -> Router {
        let this = self.clone();
        Router::new().fallback(move |request: Request<Body>| {
            let router = this.0.read().unwrap_or_else(PoisonError::into_inner).clone();
            async move {
                match TowerToHyperService::new(router).call(request).await {
                    Ok(response) => response.into_response(),
                    Err(never) => match never {},
                }
            }
        })
    }
}
