//! E-mail by SMTP.

use std::time::Duration;

use futures_util::{FutureExt as _, future::BoxFuture};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use tokio::time::timeout;

use crate::{
    alerts::{alert_message::AlertMessage, target::Target},
    config::{EmailTarget, MailTls},
    net,
};

/// Time limits of one SMTP step, and of sending a message.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);
/// The most characters of a server's error that are shown.
const MAX_ERROR_CHARS: usize = 200;

pub(super) struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    host: String,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Mail {
    pub(super) fn new(target: &EmailTarget) -> anyhow::Result<Self> {
        let (tls, default_port) = match target.tls {
            MailTls::Tls => (Tls::Wrapper(tls(&target.host)?), smtp::SUBMISSIONS_PORT),
            MailTls::StartTls => (Tls::Required(tls(&target.host)?), smtp::SUBMISSION_PORT),
            MailTls::None => (Tls::None, smtp::SMTP_PORT),
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&target.host)
            .port(target.port.unwrap_or(default_port))
            .tls(tls)
            .timeout(Some(STEP_TIMEOUT))
            .hello_name(ClientId::Domain(target.from.email.domain().to_owned()));
        let builder = match &target.login {
            Some((user, password)) => builder.credentials(Credentials::new(user.clone(), password.expose().to_owned())),
            None => builder,
        };
        let (host, from, to) = (target.host.clone(), target.from.clone(), target.to.clone());
        Ok(Self { transport: builder.build(), host, from, to })
    }

    fn message(&self, alert: &AlertMessage) -> Result<Message, lettre::error::Error> {
        let message = Message::builder().from(self.from.clone()).subject(&alert.title);
        let message = self.to.iter().fold(message, |message, to| message.to(to.clone()));
        message.header(ContentType::TEXT_PLAIN).body(alert.text.clone())
    }
}

/// TLS with the authorities that all of telekommo trusts.
fn tls(host: &str) -> Result<TlsParameters, smtp::Error> {
    let mut builder = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::WebpkiRoots);
    for authority in net::own_authorities() {
        builder = builder.add_root_certificate(Certificate::from_der(authority.to_vec())?);
    }
    builder.build()
}

impl Target for Mail {
    fn send<'a>(&'a self, alert: &'a AlertMessage) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let message = self.message(alert).map_err(|error| error.to_string())?;
            let sent = timeout(TIMEOUT, self.transport.send(message)).await;
            let sent = sent.map_err(|_| format!("{} does not answer in time", self.host))?;
            sent.map(drop).map_err(|error| format!("{}: {}", self.host, describe(&error)))
        }
        .boxed()
    }
}

/// An error in one line.
fn describe(error: &smtp::Error) -> String {
    error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_ERROR_CHARS).collect()
}
