//! Hooks to the channel: once, within 5 s, never again.
//!
//! The body ends with a newline that is not signed; the documentation does not say so, every working client knows.

use std::{io, sync::Arc, time::Duration};

use crate::sandbox::{
    calls::Call,
    kommo::{Core, FakeKommo, HookAnswer, SignatureMode, verify::sign, world::World},
    traffic::Party,
};

/// How long the channel has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// As whom Kommo's hooks come, by a log of 2023. Nothing may depend on it.
const AGENT: &str = "amoCRM amoJo/1.0";

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

    pub(super) async fn hook(&self, what: String, bytes: Vec<u8>, mode: SignatureMode) -> HookAnswer {
        self.core.hook(what, bytes, mode).await
    }
}

/// Sends the hooks that requests have caused.
pub(super) fn echo(core: &Arc<Core>) {
    for (to, bytes) in core.world.note(|world| std::mem::take(&mut world.echoes)) {
        let core_ = Arc::clone(core);
        let hook = async move { core_.hook(format!("hook: import → {to}"), bytes, SignatureMode::Valid).await };
        core.fetcher.tasks.spawn(hook);
    }
}

impl Core {
    /// Sends one hook. Without an address or a connection there is none to send.
    async fn hook(&self, what: String, bytes: Vec<u8>, mode: SignatureMode) -> HookAnswer {
        let may_send = |world: &World| world.connection.is_some() && !world.hooks_are_lost;
        let url = self.world.read(|world| world.hook_url.clone().filter(|_| may_send(world)));
        let Some(url) = url else { return HookAnswer { status: None } };
        let path = reqwest::Url::parse(&url).map(|url| url.path().to_owned()).unwrap_or_default();
        let request = self.client.post(url).header("Content-Type", "application/json").header("User-Agent", AGENT);
        let request = match signature(&self.settings.channel_secret, &bytes, mode) {
            Some(signature) => request.header("X-Signature", signature),
            None => request,
        };
        let asked = self.traffic.keeps_calls().then(|| String::from_utf8_lossy(&bytes).into_owned());
        let answer = request.body(bytes).send().await;
        let status = answer.as_ref().ok().map(|response| response.status().as_u16());
        let answered = match answer {
            Ok(response) if asked.is_some() => response.text().await.ok(),
            Ok(_) | Err(_) => None,
        };
        let call = || Some(Call::new(&format!("POST {path}"), &asked?, answered.as_deref()));
        self.traffic.add(self.clock.now(), (Party::Kommo, Party::Bridge), (what, status), call);
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
