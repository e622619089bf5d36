//! How an authority looks whether a name is proved (TLS-ALPN-01, RFC 8737), with all that Let's Encrypt looks at.

use std::{net::SocketAddr, sync::Arc};

use ring::digest;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, ring as provider, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime},
    version::TLS13,
};
use tokio::{io::AsyncReadExt as _, net::TcpStream};
use tokio_rustls::TlsConnector;
use x509_parser::{
    extensions::{GeneralName, ParsedExtension},
    prelude::{FromDer as _, X509Certificate},
};

const ALPN: &[u8] = b"acme-tls/1";
/// The object identifier of the extension, as its number.
const IDENTIFIER: &str = "1.3.6.1.5.5.7.1.31";
/// From how many places it is looked.
const PLACES: usize = 3;

/// Takes every certificate whose key signs the handshake.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not offered".to_owned()))
    }

    // By the key alone: no verifier of web servers knows the extension, which is critical.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| Error::General(error.to_string()))?;
        let key = SubjectPublicKeyInfoDer::from(parsed.public_key().raw);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// Whether who listens at `address` proves that `host` is its name. An error says why not.
pub(super) async fn looked(address: SocketAddr, host: &str, key_authorization: &str) -> Result<(), String> {
    for _ in 0..PLACES {
        once(address, host, key_authorization).await?;
    }
    Ok(())
}

async fn once(address: SocketAddr, host: &str, key_authorization: &str) -> Result<(), String> {
    let config = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()));
    let config = config.with_protocol_versions(&[&TLS13]).unwrap().dangerous();
    let algorithms = provider::default_provider().signature_verification_algorithms;
    let config = config.with_custom_certificate_verifier(Arc::new(Anybody(algorithms)));
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let mut stream =
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| error.to_string())?;
    if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
        return Err("another protocol is agreed".to_owned());
    }
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default().to_vec();
    let [certificate] = &certificates[..] else { return Err(format!("{} certificates", certificates.len())) };
    judge(certificate, host, key_authorization)?;
    // Nothing may follow the handshake.
    match stream.read(&mut [0; 1]).await {
        Ok(0) | Err(_) => Ok(()),
        Ok(_) => Err("something is said after the handshake".to_owned()),
    }
}

fn judge(certificate: &CertificateDer<'_>, host: &str, key_authorization: &str) -> Result<(), String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
    if parsed.subject().as_raw() != parsed.issuer().as_raw() {
        return Err("the certificate is not self-signed".to_owned());
    }
    parsed.verify_signature(None).map_err(|error| format!("the certificate is not self-signed: {error}"))?;
    let mut names = Vec::new();
    let mut proofs = Vec::new();
    for extension in parsed.extensions() {
        if let ParsedExtension::SubjectAlternativeName(alternative) = extension.parsed_extension() {
            names.extend(alternative.general_names.iter().cloned());
        }
        if extension.oid.to_id_string() == IDENTIFIER {
            proofs.push((extension.critical, extension.value.to_vec()));
        }
    }
    if names != [GeneralName::DNSName(host)] {
        return Err(format!("the names are {names:?}"));
    }
    let digest = digest::digest(&digest::SHA256, key_authorization.as_bytes());
    let expected = [&[0x04, 0x20], digest.as_ref()].concat();
    if proofs != [(true, expected)] {
        return Err("the certificate does not hold the key authorization".to_owned());
    }
    Ok(())
}
