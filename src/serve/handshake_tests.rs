//! TLS handshakes of well-behaved and of hostile clients.

use std::{sync::Arc, time::Duration};

use axum::Router;
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    time::Instant,
};
use tokio_rustls::{TlsConnector, client};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    serve::{
        HTTPS_ONLY, connections::Connections, conversation, limits::Limits, peer::Peer, unparsed::UnparsedRequests,
    },
    tls::Pair,
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";

/// A listener that allows one handshake at a time.
struct Listener {
    open: Arc<Connections>,
    served: Served,
}

impl Listener {
    fn new() -> Self {
        let (small_bodies_bytes, large_bodies_bytes) = (256 * 1024, 0);
        let limits = Limits {
            connections: 8,
            share: 8,
            handshaking: 1,
            served: 8,
            small_bodies_bytes,
            large_bodies_bytes,
            is_streaming: false,
        };
        let open = Arc::new(Connections::new(limits, UnparsedRequests::default()));
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["a.test".to_owned()]).unwrap().self_signed(&key).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Self { open, served: Served::new(Some(Pair::of(vec![certificate.der().clone()], key).unwrap())) }
    }

    async fn client(&self) -> DuplexStream {
        let (client, server) = duplex(64 * 1024);
        let connection = self.open.enter(Peer::of_tests()).await;
        let router = Router::new().fallback(async || "here\n");
        #[expect(clippy::disallowed_methods, reason = "a test has no lifecycle")]
        tokio::spawn(conversation::hold(
            server,
            Some(self.served.clone()),
            connection,
            router,
            CancellationToken::new(),
        ));
        client
    }
}

/// Trusts every server.
#[derive(Debug)]
struct Anybody;

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
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Sets up TLS, and offers these protocols.
async fn secure(stream: DuplexStream, offered: &[&[u8]]) -> io::Result<client::TlsStream<DuplexStream>> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().dangerous();
    let mut config = config.with_custom_certificate_verifier(Arc::new(Anybody)).with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("a.test").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    // The connection may end with an error.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(start_paused = true)]
async fn http_1_is_chosen_whatever_else_a_client_offers() {
    let listener = Listener::new();
    for (offered, agreed) in [
        (&[][..], None),
        (&[&b"http/1.1"[..]][..], Some(&b"http/1.1"[..])),
        (&[&b"h2"[..], &b"http/1.1"[..]][..], Some(&b"http/1.1"[..])),
    ] {
        let mut client = secure(listener.client().await, offered).await.unwrap();
        assert_eq!(client.get_ref().1.alpn_protocol(), agreed);
        client.write_all(GET).await.unwrap();
        let answer = all(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("here\n"), "{answer}");
    }
    let refused = secure(listener.client().await, &[&b"h2"[..]]).await.unwrap_err().to_string();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn plain_http_gets_a_hint_to_use_https() {
    let listener = Listener::new();
    for plain in [GET, b"\x80\x2e\x01", b"\r\n"] {
        let mut client = listener.client().await;
        client.write_all(plain).await.unwrap();
        let answer = all(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with(HTTPS_ONLY), "{plain:?}: {answer:?}");
    }
}

/// The beginning of a handshake.
fn hello() -> Vec<u8> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().dangerous();
    let config = config.with_custom_certificate_verifier(Arc::new(Anybody)).with_no_client_auth();
    let mut bytes = Vec::new();
    let mut client = ClientConnection::new(Arc::new(config), ServerName::try_from("a.test").unwrap()).unwrap();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test(start_paused = true)]
async fn a_stalled_handshake_makes_room_for_others() {
    let listener = Listener::new();
    for (sent, why) in [(1, "one byte"), (40, "a part of the first message"), (usize::MAX, "no second message")] {
        let started = Instant::now();
        let mut slow = listener.client().await;
        let hello = hello();
        slow.write_all(&hello[..sent.min(hello.len())]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
        let mut client = secure(listener.client().await, &[]).await.unwrap();
        client.write_all(GET).await.unwrap();
        assert!(all(&mut client).await.ends_with("here\n"), "{why}");
        assert!(started.elapsed() < Duration::from_secs(1), "{why}: {:?}", started.elapsed());
        all(&mut slow).await;
        assert!(started.elapsed() < Duration::from_secs(1), "{why}: it was dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_and_the_head_together_have_five_seconds() {
    let listener = Listener::new();
    let started = Instant::now();
    let mut slow = listener.client().await;
    slow.write_all(&hello()[..9]).await.unwrap();
    all(&mut slow).await;
    assert_eq!(started.elapsed().as_secs(), 5);

    let started = Instant::now();
    let silent = listener.client().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut silent = secure(silent, &[]).await.unwrap();
    silent.write_all(b"GET ").await.unwrap();
    assert_eq!(all(&mut silent).await, "");
    assert_eq!(started.elapsed().as_secs(), 5);
}
