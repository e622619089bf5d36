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
        acme::{http::Client, shelf::Shelf},
        served::Served,
    },
};

/// How long to wait until the authority has looked, and until it has signed.
const PATIENCE: Duration = Duration::from_mins(2);

/// What the authority calls an account that it does not know (RFC 8555, section 6.7).
const UNKNOWN_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// The account that is kept, or else a new one. Whoever sets `acme` agrees to the terms of the authority.
async fn account(acme: &Acme, shelf: &Shelf) -> Result<Account, String> {
    let client = Client::new().map_err(|error| error.to_string())?;
    let builder = Account::builder_with_http(Box::new(client));
    if let Some(credentials) = shelf.account()? {
        return builder.from_credentials(credentials).await.map_err(|error| told(&error));
    }
    let contact = acme.email.as_ref().map(|email| format!("mailto:{email}"));
    let contact: Vec<_> = contact.iter().map(String::as_str).collect();
    let wish = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let made = builder.create(&wish, acme.directory.to_string(), None).await;
    let (account, credentials) = made.map_err(|error| told(&error))?;
    shelf.keep_account(&credentials)?;
    Ok(account)
}

/// A new key and a certificate for `host`, with those that lead to the authority, as PEM. The name is proved by a
/// handshake with what is `served`.
pub(super) async fn certificate(acme: &Acme, shelf: &Shelf, served: &Served) -> Result<Zeroizing<String>, String> {
    let host = &acme.host;
    let ordered = match Ordered::new(&account(acme, shelf).await?, host, served).await {
        Err(Error::Api(problem)) if problem.r#type.as_deref() == Some(UNKNOWN_ACCOUNT) => {
            // An authority may have been set up anew, and take an account from whom it does not know.
            tracing::warn!("the authority does not know the account any more: another one is made");
            shelf.forget_account()?;
            Ordered::new(&account(acme, shelf).await?, host, served).await
        }
        ordered => ordered,
    };
    let (key, chain) = ordered.map_err(|error| told(&error))?.finished(host).await?;
    Ok(Zeroizing::new(format!("{}{chain}", key.as_str())))
}

/// An order whose name is being proved. Handshakes prove it as long as this lives.
struct Ordered<'s> {
    order: Order,
    served: &'s Served,
}

impl Drop for Ordered<'_> {
    fn drop(&mut self) {
        self.served.prove(None);
    }
}

impl<'s> Ordered<'s> {
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
            let proof = proof(host, challenge.key_authorization().digest().as_ref());
            served.prove(Some(proof.map_err(|error| Error::Other(error.into()))?));
            challenge.set_ready().await?;
        }
        Ok(this)
    }

    async fn finished(mut self, host: &str) -> Result<(Zeroizing<String>, String), String> {
        let patience = RetryPolicy::new().timeout(PATIENCE);
        match self.order.poll_ready(&patience).await {
            Ok(OrderStatus::Ready) => {}
            Ok(_) => return Err(self.refused().await.unwrap_or_else(|| "the authority refuses the order".to_owned())),
            Err(error) => return Err(self.refused().await.unwrap_or_else(|| told(&error))),
        }
        let (key, request) = request(host).map_err(|error| error.to_string())?;
        self.order.finalize_csr(&request).await.map_err(|error| told(&error))?;
        let chain = self.order.poll_certificate(&patience).await.map_err(|error| told(&error))?;
        Ok((key, chain))
    }

    /// Why the authority does not take the name as proved, if it says so.
    async fn refused(&mut self) -> Option<String> {
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

/// What a handshake shows to prove a name (RFC 8737, section 3).
fn proof(host: &str, digest: &[u8]) -> Result<Arc<CertifiedKey>, String> {
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    let mut params = CertificateParams::new([host.to_owned()]).map_err(|error| error.to_string())?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key).map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let key = any_supported_type(&key).map_err(|error| error.to_string())?;
    // Nothing looks into it here: no verifier but that of an authority knows its extension.
    Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key)))
}

/// An error in words.
fn told(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "the authority did not answer in time".to_owned(),
        Error::Unsupported(what) => format!("the authority offers no {what}"),
        other => other.to_string(),
    }
}
