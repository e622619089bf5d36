//! Hooks to the channel: once, within 5 s, never again.
//!
//! The body ends with a newline that is not signed; the documentation does not say so, every working client knows.

use std::{io, time::Duration};

use crate::sandbox::{
    kommo::{FakeKommo, HookAnswer, SignatureMode, verify::sign},
    traffic::Party,
};

/// How long the channel has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn client() -> io::Result<reqwest::Client> {
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).no_proxy();
    // A connection of its own for each hook: none is lost on one that the channel has closed meanwhile.
    client.pool_max_idle_per_host(0).build().map_err(io::Error::other)
}

impl FakeKommo {
    /// Sends a hook of any bytes, exactly as they are, with the signature that `mode` says.
    pub async fn send_hook(&self, bytes: Vec<u8>, mode: SignatureMode) -> HookAnswer {
        self.hook("raw hook".to_owned(), bytes, mode).await
    }

    /// Sends one hook. Without an address or a connection there is none to send.
    pub(super) async fn hook(&self, what: String, bytes: Vec<u8>, mode: SignatureMode) -> HookAnswer {
        let url =
            self.core.world.look(|world| world.hook_url.clone().filter(|_| world.connected && !world.hooks_are_lost));
        let Some(url) = url else { return HookAnswer { status: None } };
        let request = self.client.post(url).header("Content-Type", "application/json");
        let request = match signature(&self.core.settings.channel_secret, &bytes, mode) {
            Some(signature) => request.header("X-Signature", signature),
            None => request,
        };
        let answer = request.body(bytes).send().await;
        let status = answer.ok().map(|response| response.status().as_u16());
        self.core.traffic.add(self.core.clock.now(), (Party::Kommo, Party::Bridge), what, status);
        HookAnswer { status }
    }
}

fn signature(secret: &str, bytes: &[u8], mode: SignatureMode) -> Option<String> {
    let signed = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    match mode {
        SignatureMode::Valid => Some(sign(secret, signed)),
        SignatureMode::OverEverything => Some(sign(secret, bytes)),
        SignatureMode::Wrong => Some(sign("another secret", signed)),
        SignatureMode::Missing => None,
        SignatureMode::Literal(value) => Some(value),
    }
}
