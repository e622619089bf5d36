//! The public address: it is tried from here to here, over DNS, TLS and the web server.

use crate::{
    cli::{
        check,
        init::{
            draft::Draft,
            prompt::{Prompt, Question},
        },
        register,
    },
    config::Config,
};

const ABOUT: &str = "Kommo sends what managers write to a public address of this machine. You need a name in DNS that \
    leads here, such as bridge.example.com, with the ports 80 and 443 open, and a web server such as Caddy that has a \
    certificate for it.";

const ADDRESS: Question = Question {
    key: "public_url",
    text: "The public address, such as https://bridge.example.com",
    default: None,
    check: register::public_url,
};

/// Tries the address that is there, or asks for one until it leads here.
///
/// # Errors
/// If the input ends, or the address of a file cannot be one.
pub(super) async fn set_up(draft: &mut Draft, prompt: &Prompt) -> anyhow::Result<()> {
    prompt.begin("2. The public address", ABOUT);
    let section = ["server"];
    if draft.get(&section, "public_url").is_none() {
        let given = prompt.answers().and_then(|answers| answers.public_url.as_ref());
        let address = prompt.answer(&ADDRESS, given)?;
        draft.set(&section, "public_url", &address)?;
    }
    loop {
        let config = draft.config()?;
        let found = check::of_address(&config).await?;
        prompt.note(found.to_string().trim_end());
        if found.is_well() {
            return Ok(());
        }
        prompt.note(&snippet(&config));
        if prompt.answers().is_some() {
            prompt.note("The address does not lead here yet. `telekommo check` tries it again.");
            return Ok(());
        }
        let next = prompt.wait("Press Enter to try again, write another address, or s to go on without")?;
        match next.as_str() {
            "" => {}
            "s" => return Ok(()),
            other => match register::public_url(other) {
                Ok(address) => draft.set(&section, "public_url", &address)?,
                Err(wrong) => prompt.note(&format!("  {wrong}")),
            },
        }
    }
}

/// What Caddy needs to know.
fn snippet(config: &Config) -> String {
    let (url, listen) = (config.server.public_url.url(), config.server.listen);
    let (host, base) = (url.host_str().unwrap_or_default(), url.path().trim_end_matches('/'));
    format!(
        "With Caddy (sudo apt install caddy), this belongs into /etc/caddy/Caddyfile; then: sudo systemctl reload \
         caddy\n\n{host} {{\n    reverse_proxy {base}/kommo/* {listen}\n    reverse_proxy {base}/media/* \
         {listen}\n}}\n\n`telekommo help connect` has the lines for nginx."
    )
}
