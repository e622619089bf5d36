//! What is heard by the public address, and what it means.

use reqwest::StatusCode;

use crate::{
    cli::check::{finding::Finding, fine, unknown, wrong},
    net::{Cause, Endpoint, RequestError},
    serve::{HERE, process_identity::Route},
};

/// What is heard.
#[derive(Clone, Debug)]
pub(super) enum Received {
    /// The process that should be reached, which has taken the path for one to this route.
    Ours { route: String },
    /// A telekommo, and not that one.
    AnotherTelekommo(Endpoint),
    /// Something else. `is_telekommo` says that it speaks like one that has not seen the nonce.
    Stranger { place: Endpoint, status: StatusCode, is_telekommo: bool },
    /// No answer.
    Nothing(RequestError),
}

/// What it means for a way that should lead to this `route` of the `listener`.
pub(super) fn finding_of(about: &'static str, received: &Received, route: Route, listener: &str) -> Finding {
    match received {
        Received::Ours { route: seen } if *seen == route.to_string() => fine(about, leads_here(route)),
        Received::Ours { .. } => wrong(
            about,
            "it leads here, but the web server changes the path on the way: let it pass the path on as it is; or, if \
             the internet uses that path too, write it into server.public_url",
        ),
        Received::AnotherTelekommo(place) => wrong(
            about,
            format!(
                "{place} leads to another telekommo than this one: stop that one, or let the web server pass requests \
                 on to {listener}"
            ),
        ),
        Received::Stranger { place, is_telekommo: true, .. } => wrong(
            about,
            format!(
                "{place} leads to a telekommo that is another one or an older version, or the web server in between \
                 takes headers away: let it pass requests on to {listener} as they are"
            ),
        ),
        Received::Stranger { place, status, .. } => wrong(about, stranger(place, *status, route, listener)),
        Received::Nothing(trouble) => nothing(about, trouble),
    }
}

const fn leads_here(route: Route) -> &'static str {
    match route {
        Route::Front => "it leads to this telekommo",
        Route::Hooks => "Kommo's hooks get here",
        Route::Files => "requests for customers' files get here. No file was fetched: no bot has a picture of itself",
    }
}

fn stranger(place: &Endpoint, status: StatusCode, route: Route, listener: &str) -> String {
    let lost = match route {
        Route::Front => "Until then Kommo's hooks and files are lost",
        Route::Hooks => "Until then Kommo's hooks are lost",
        Route::Files => "Until then Kommo gets no files of customers",
    };
    match (status.as_u16(), route) {
        (502..=504, _) => format!(
            "{place} answers {status}: the web server does not reach telekommo. Let it pass requests on to \
             {listener}. {lost}"
        ),
        (401 | 403 | 405 | 406 | 429, Route::Hooks) => format!(
            "{place} answers {status} to what comes like a hook: a firewall or a rule of the web server refuses it. \
             Let POST requests below /kommo pass without a password and without a check for robots. {lost}"
        ),
        (_, Route::Front) => format!(
            "{place} answers {status}, and does not lead to telekommo: let the web server pass its requests on to \
             {listener}, or correct server.public_url. {lost}"
        ),
        (_, Route::Hooks) => format!(
            "{place} answers {status} itself: let the web server pass everything below /kommo on to {listener}. \
             {lost}"
        ),
        (_, Route::Files) => format!(
            "{place} answers {status} itself: let the web server pass everything below /media on to {listener}. \
             {lost}"
        ),
    }
}

fn nothing(about: &'static str, trouble: &RequestError) -> Finding {
    let lost = "Until that is mended Kommo's hooks and files are lost";
    match trouble.cause {
        Cause::Name(_) => wrong(
            about,
            format!("{trouble}. Correct server.public_url, or let the name lead to this machine (DNS). {lost}"),
        ),
        Cause::Connection(_) => wrong(
            about,
            format!(
                "{trouble}. Start the web server in front of telekommo, open its port in the firewall, or correct \
                     server.public_url. {lost}"
            ),
        ),
        Cause::Tls(_) => wrong(
            about,
            format!(
                "{trouble}. See to the certificate, which the web server in front of telekommo has, or [server.tls]: \
                     Kommo sends nothing to an address without a good one. {lost}"
            ),
        ),
        Cause::Proxy(_) | Cause::Late(_) | Cause::Broken(_) | Cause::Other(_) => unknown(
            about,
            format!(
                "not checked: {trouble}. Some networks do not let a machine reach itself from outside: open the \
                 address with /kommo/ behind it on a phone without Wi-Fi; it should say \"{}\"",
                HERE.trim_end()
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::check::finding::State, net::Phase};

    fn place() -> Endpoint {
        Endpoint { host: "tk.acme.com".to_owned(), proxy: None }
    }

    #[test]
    fn each_answer_has_its_remedy() {
        let listener = "http://127.0.0.1:8080";
        let status = |code, is_telekommo| Received::Stranger {
            place: place(),
            status: StatusCode::from_u16(code).unwrap(),
            is_telekommo,
        };
        let silent = |cause| Received::Nothing(RequestError { place: place(), cause, was_sent: false });
        let ours = |route: &str| Received::Ours { route: route.to_owned() };
        for (received, route, state, words) in [
            (ours("front"), Route::Front, State::Ok, "leads to this telekommo"),
            (ours("hooks"), Route::Hooks, State::Ok, "get here"),
            (ours("front"), Route::Hooks, State::Wrong, "changes the path"),
            (Received::AnotherTelekommo(place()), Route::Front, State::Wrong, "another telekommo than this one"),
            (status(404, true), Route::Front, State::Wrong, "takes headers away"),
            (status(200, false), Route::Front, State::Wrong, "correct server.public_url"),
            (status(502, false), Route::Front, State::Wrong, "does not reach telekommo. Let it pass"),
            (status(403, false), Route::Hooks, State::Wrong, "a firewall or a rule"),
            (status(404, false), Route::Hooks, State::Wrong, "below /kommo on to http://127.0.0.1:8080"),
            (status(404, false), Route::Files, State::Wrong, "below /media on"),
            (silent(Cause::Name("unknown".to_owned())), Route::Front, State::Wrong, "(DNS)"),
            (silent(Cause::Connection("refused".to_owned())), Route::Front, State::Wrong, "open its port"),
            (silent(Cause::Tls("it has expired".to_owned())), Route::Front, State::Wrong, "See to the certificate"),
            (silent(Cause::Late(Phase::Answer)), Route::Front, State::Unknown, "on a phone"),
        ] {
            let finding = finding_of("Public address", &received, route, listener);
            assert!(finding.state == state && finding.text.contains(words), "{received:?}: {finding:?}");
        }
    }
}
