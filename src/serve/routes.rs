//! Maps paths to handlers. `server.public_url` may have a path. Some web servers keep it when they pass a request on,
//! and some strip it. Both work.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicBool, Ordering},
};

use axum::{
    body::Body,
    extract::Request,
    http::{Uri, uri::PathAndQuery},
};
use reqwest::Url;

use crate::{
    intake::hook::HookIntake,
    media::serve::MediaServer,
    serve::{
        peer::{Peer, Proxies},
        process_identity::ProcessIdentity,
        refusal_limiter::RefusalLimiter,
    },
};

/// The first segments of our paths.
const OURS: [&str; 2] = ["kommo", "media"];
/// How many segments a web server may have added in front of our path. An attacker's path may have thousands.
const MOST_BEFORE: usize = 4;
/// How much of a foreign path is logged.
const SHOWN_CHARS: usize = 80;

/// The handlers of the public listener.
pub(super) struct PublicRoutes {
    pub(super) hooks: HookIntake,
    pub(super) media: MediaServer,
    /// The rate limit of refused requests.
    pub(super) refusals: RefusalLimiter,
    /// The identity of this process.
    pub(super) mark: ProcessIdentity,
    proxies: Proxies,
    base: Base,
    /// Whether it was logged that a web server changes the path of hooks, and that of links.
    logged: [AtomicBool; 2],
}

impl PublicRoutes {
    /// Routes below the path of `public_url`, behind `proxies`.
    pub(super) fn new(
        (hooks, media): (HookIntake, MediaServer),
        mark: ProcessIdentity,
        public_url: &Url,
        proxies: Proxies,
    ) -> Self {
        let base = Base::of(public_url);
        Self {
            hooks,
            media,
            refusals: RefusalLimiter::default(),
            mark,
            proxies,
            base,
            logged: [AtomicBool::new(false), AtomicBool::new(false)],
        }
    }

    /// The client of a request; unspecified if it came over no connection of ours.
    pub(super) fn client(&self, request: &Request<Body>) -> IpAddr {
        let peer = request.extensions().get::<Peer>();
        peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| self.proxies.client(*peer, request.headers()))
    }

    /// The request as if `server.public_url` had no path.
    pub(super) fn within(&self, request: Request<Body>) -> Request<Body> {
        self.base.within(request)
    }

    /// Logs once if a path leads nowhere only because a web server has changed it: it has our scope or a link of ours.
    pub(super) fn diagnose(&self, path: &str) {
        if self.logged.iter().all(|logged| logged.load(Ordering::Relaxed)) {
            return;
        }
        // Our links have two segments, and a hook's path the scope and what Kommo may append.
        let all: Vec<_> = segments(path).take(MOST_BEFORE + 2).collect();
        let is_hook = all.iter().position(|segment| self.hooks.scope.is_that_of(segment));
        let starts = 0..all.len().min(MOST_BEFORE);
        let is_link = || starts.clone().find(|at| self.media.is_good(&format!("/media/{}", all[*at..].join("/"))));
        match (is_hook, is_hook.is_none().then(is_link).flatten()) {
            (Some(at), _) => self.warn(0, "a hook", &all[..at], "kommo"),
            (None, Some(at)) => self.warn(1, "a request for a file", &all[..at], "media"),
            (None, None) => {}
        }
    }

    fn warn(&self, which: usize, what: &str, prefix: &[&str], ours: &str) {
        if self.logged[which].swap(true, Ordering::Relaxed) {
            return;
        }
        // The web server may have stripped what is in front of our own segment, and kept that.
        let before = prefix.strip_suffix(&[ours]).unwrap_or(prefix);
        let prefix: String =
            before.iter().flat_map(|segment| ["/", segment]).collect::<String>().chars().take(SHOWN_CHARS).collect();
        let base: String = self.base.0.iter().flat_map(|segment| ["/", segment]).collect();
        tracing::warn!(
            path = prefix,
            "{what} came by another path than {base}/{ours}/…: the web server in front of telekommo changes the path. \
             Let it pass the path on unchanged; or, if the path is public, add it to server.public_url. This is logged \
             once"
        );
    }
}

/// The segments of the path of `server.public_url`.
pub(super) struct Base(Vec<String>);

impl Base {
    pub(super) fn of(public_url: &Url) -> Self {
        Self(segments(public_url.path()).map(str::to_owned).collect())
    }

    /// The request as if `server.public_url` had no path.
    pub(super) fn within(&self, mut request: Request<Body>) -> Request<Body> {
        if let Some(path) = below(&self.0, request.uri().path())
            && let Some(uri) = with_path(request.uri(), &path)
        {
            *request.uri_mut() = uri;
        }
        request
    }
}

/// The path without `base` in front, if one of our paths follows it.
fn below(base: &[String], path: &str) -> Option<String> {
    let mut rest = segments(path);
    let has_base = !base.is_empty()
        && base.iter().all(|part| rest.next().is_some_and(|segment| segment.eq_ignore_ascii_case(part)));
    let rest: Vec<_> = rest.collect();
    let is_ours = rest.first().is_some_and(|first| OURS.contains(first));
    (has_base && is_ours).then(|| format!("/{}", rest.join("/")))
}

/// The segments of a path; repeated slashes count as one.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{path}{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_public_url_is_stripped_if_present() {
        let base = |path: &str| segments(path).map(str::to_owned).collect::<Vec<_>>();
        for (of_address, path, want) in [
            ("/tg", "/tg/kommo/s", Some("/kommo/s")),
            ("/tg/bridge/", "//tg//bridge/media/x/name", Some("/media/x/name")),
            ("/tg", "/TG/kommo/s", Some("/kommo/s")),
            ("/tg", "/kommo/s", None),
            ("/tg", "/tg/x", None),
            ("/tg", "/tgx/kommo/s", None),
            ("/tg", "/tg", None),
            ("", "/kommo/s", None),
            // A public URL that ends with one of our segments works, too.
            ("/kommo", "/kommo/kommo/s", Some("/kommo/s")),
            ("/kommo", "/kommo/s", None),
            ("/media", "/media/media/x/name", Some("/media/x/name")),
        ] {
            assert_eq!(below(&base(of_address), path).as_deref(), want, "{of_address} {path}");
        }
    }

    #[test]
    fn a_query_is_kept() {
        let uri: Uri = "/tg/media/x?a=b".parse().unwrap();
        assert_eq!(with_path(&uri, "/media/x").unwrap(), "/media/x?a=b");
    }
}
