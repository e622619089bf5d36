//! Servers that speak TLS.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::proxies::spawn;

/// A server that speaks TLS before `upstream`, which does not.
pub(crate) async fn speak_tls(acceptor: TlsAcceptor, upstream: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut there = TcpStream::connect(upstream).await.unwrap();
                // Whoever hangs up, does.
                drop(copy_bidirectional(&mut stream, &mut there).await);
            });
        }
    });
    address
}
