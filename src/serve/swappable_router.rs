//! A router that can be exchanged while connections are open.

use std::sync::{Arc, PoisonError, RwLock};

use axum::{Router, body::Body, http::Request, response::IntoResponse};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

/// Leads each request to the router that is there when it comes. A request that is being served already is served to
/// the end by the one before. Clones share it.
#[derive(Clone)]
pub struct SwappableRouter(Arc<RwLock<Router>>);

impl SwappableRouter {
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self(Arc::new(RwLock::new(router)))
    }

    /// Puts another router in the place of the one that is there.
    pub fn put(&self, router: Router) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = router;
    }

    /// What a listener serves.
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
