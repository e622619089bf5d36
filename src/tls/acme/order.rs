//! One order of a certificate, from the account to the chain.

use std::{sync::Arc, time::Duration};

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::{crypto::ring::sign::any_supported_type, pki_types::PrivateKeyDer, sign::CertifiedKey};
use zeroize::Zeroizing;

use crate::{
    config::Acme,
    tls::{
        acme::{http::Client, storage::Storage},
        served::Served,
    },
};

/// How long to wait for the validation, and for the signature.
const POLL_TIMEOUT: Duration = Duration::from_mins(2);

/// The error type of an unknown account (RFC 8555, section 6.7).
const UNKNOWN_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// The stored account, or else a new one. By setting `acme` the operator agrees to the authority's terms.
async fn account(acme: &Acme, storage: &Storage) -> Result<Account, String> {
    let client = Client::new().map_err(|error| error.to_string())?;
    let builder = Account::builder_with_http(Box::new(client));
    if let Some(credentials) = storage.account()? {
        return builder.from_credentials(credentials).await.map_err(|error| describe(&error));
    }
    let contact = acme.email.as_ref().map(|email| format!("mailto:{email}"));
    let contact: Vec<_> = contact.iter().map(String::as_str).collect();
    let request = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let created = builder.create(&request, acme.directory.to_string(), None).await;
    let (account, credentials) = created.map_err(|error| describe(&error))?;
    storage.save_account(&credentials)?;
    Ok(account)
}

/// Orders a certificate with a new key, and returns both with the chain (PEM). The authority validates the name by a
/// handshake with `served`.
pub(super) async fn certificate(acme: &Acme, storage: &Storage, served: &Served) -> Result<Zeroizing<String>, String> {
    let host = &acme.host;
    let ordered = match PendingOrder::new(&account(acme, storage).await?, host, served).await {
        Err(Error::Api(problem)) if problem.r#type.as_deref() == Some(UNKNOWN_ACCOUNT) => {
            // The authority may have been set up anew, and accept a new account.
            tracing::warn!("the authority does not know the account any more: creating another one");
            storage.forget_account()?;
            PendingOrder::new(&account(acme, storage).await?, host, served).await
        }
        ordered => ordered,
    };
    let (key, chain) = ordered.map_err(|error| describe(&error))?.finish(host).await?;
    Ok(Zeroizing::new(format!("{}{chain}", key.as_str())))
}

/// An order whose name is being validated. The challenge is served until this is dropped.
struct PendingOrder<'s> {
    order: Order,
    served: &'s Served,
}

impl Drop for PendingOrder<'_> {
    fn drop(&mut self) {
        self.served.set_challenge(None);
    }
}

impl<'s> PendingOrder<'s> {
    async fn new(account: &Account, host: &str, served: &'s Served) -> Result<Self, Error> {
        let identifiers = [Identifier::Dns(host.to_owned())];
        let order = account.new_order(&NewOrder::new(&identifiers)).await?;
        let mut this = Self { order, served };
        let mut authorizations = this.order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status != AuthorizationStatus::Pending {
                continue;
            }
            let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
            let mut challenge = challenge.ok_or(Error::Unsupported("TLS-ALPN-01"))?;
            let certificate = challenge_certificate(host, challenge.key_authorization().digest().as_ref());
            served.set_challenge(Some(certificate.map_err(|error| Error::Other(error.into()))?));
            challenge.set_ready().await?;
        }
        Ok(this)
    }

    async fn finish(mut self, host: &str) -> Result<(Zeroizing<String>, String), String> {
        let polling = RetryPolicy::new().timeout(POLL_TIMEOUT);
        match self.order.poll_ready(&polling).await {
            Ok(OrderStatus::Ready) => {}
            Ok(_) => return Err(self.refusal().await.unwrap_or_else(|| "the authority refuses the order".to_owned())),
            Err(error) => return Err(self.refusal().await.unwrap_or_else(|| describe(&error))),
        }
        let (key, request) = request(host).map_err(|error| error.to_string())?;
        self.order.finalize_csr(&request).await.map_err(|error| describe(&error))?;
        let chain = self.order.poll_certificate(&polling).await.map_err(|error| describe(&error))?;
        Ok((key, chain))
    }

    /// Why the validation failed, if the authority says so.
    async fn refusal(&mut self) -> Option<String> {
        let mut authorizations = self.order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            let Ok(state) = authorization.refresh().await else { continue };
            if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
                return Some(format!(
                    "the authority does not reach this listener by the name: {problem}. Let the name lead to this \
                     machine, and its port 443 to server.listen"
                ));
            }
        }
        None
    }
}

/// A new key, and the request to sign it for `host`.
fn request(host: &str) -> Result<(Zeroizing<String>, Vec<u8>), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([host.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key)?;
    Ok((Zeroizing::new(key.serialize_pem()), request.der().to_vec()))
}

/// The challenge certificate (RFC 8737, section 3).
fn challenge_certificate(host: &str, digest: &[u8]) -> Result<Arc<CertifiedKey>, String> {
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    let mut params = CertificateParams::new([host.to_owned()]).map_err(|error| error.to_string())?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key).map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let key = any_supported_type(&key).map_err(|error| error.to_string())?;
    // Not parsed here: only an authority's verifier knows its extension.
    Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key)))
}

/// An error for the operator.
fn describe(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "the authority did not answer in time".to_owned(),
        Error::Unsupported(what) => format!("the authority offers no {what}"),
        other => other.to_string(),
    }
}
