//! Proxies of the tests' own: HTTP (CONNECT and forwarding) and SOCKS5.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http,
    Socks5,
}

/// How a proxy behaves.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    pub(crate) speaks: Speaks,
    /// A user and a password without which nothing passes.
    pub(crate) credentials: Option<(&'static str, &'static str)>,
    /// Names that it alone knows, and where they lead.
    pub(crate) names: HashMap<&'static str, SocketAddr>,
    /// It opens no way, and says so: an HTTP status, or SOCKS' number of the reason.
    pub(crate) refuses_with: Option<u16>,
}

impl Manners {
    pub(crate) fn of(speaks: Speaks) -> Self {
        Self { speaks, credentials: None, names: HashMap::new(), refuses_with: None }
    }
}

/// A proxy that runs until the test ends.
pub(crate) struct FakeProxy {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeProxy {
    pub(crate) async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let told = Arc::clone(&asked);
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (manners, told) = (manners.clone(), Arc::clone(&told));
                spawn(async move {
                    let served = match manners.speaks {
                        Speaks::Http => http(stream, &manners, &told).await,
                        Speaks::Socks5 => socks5(stream, &manners, &told).await,
                    };
                    // Whoever hangs up, does.
                    drop(served);
                });
            }
        });
        Self { address, asked }
    }

    pub(crate) async fn socks5() -> Self {
        Self::start(Manners::of(Speaks::Socks5)).await
    }

    /// Whereto it was asked to open a way, as `host:port`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Whether it was asked for this address.
    pub(crate) fn was_asked_for(&self, place: &str) -> bool {
        self.asked().iter().any(|asked| asked == place)
    }
}

pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "a test has no lifecycle, and its runtime ends with it")]
    tokio::spawn(task);
}

async fn dial(manners: &Manners, place: &str) -> io::Result<TcpStream> {
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
    match manners.names.get(host) {
        Some(known) => TcpStream::connect(known).await,
        None => TcpStream::connect(place).await,
    }
}

async fn http(mut stream: TcpStream, manners: &Manners, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let head = head(&mut stream).await?;
    let (first, fields) = head.split_once("\r\n").unwrap();
    let [method, target, _] = first.split(' ').collect::<Vec<_>>()[..] else { return Ok(()) };
    let (place, path) = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or((rest, "/"), |at| rest.split_at(at)),
        None => (target, ""),
    };
    let place = if place.contains(':') { place.to_owned() } else { format!("{place}:80") };
    asked.lock().unwrap().push(place.clone());
    if !is_let_in(fields, manners) {
        return answer(&mut stream, 407).await;
    }
    if let Some(status) = manners.refuses_with {
        return answer(&mut stream, status).await;
    }
    let Ok(mut there) = dial(manners, &place).await else { return answer(&mut stream, 502).await };
    if method == "CONNECT" {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    } else {
        // One request a connection, and no word of the password behind the proxy.
        let own = |field: &&str| !field.to_ascii_lowercase().starts_with("proxy-");
        let fields: Vec<_> = fields.split("\r\n").filter(|field| !field.is_empty()).filter(own).collect();
        let head = format!("{method} {path} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n", fields.join("\r\n"));
        there.write_all(head.as_bytes()).await?;
    }
    copy_bidirectional(&mut stream, &mut there).await.map(drop)
}

fn is_let_in(fields: &str, manners: &Manners) -> bool {
    let Some((user, password)) = manners.credentials else { return true };
    let want = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    fields
        .split("\r\n")
        .filter_map(|field| field.split_once(": "))
        .any(|(name, value)| name.eq_ignore_ascii_case("proxy-authorization") && value == want)
}

async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(head).unwrap())
}

async fn answer(stream: &mut TcpStream, status: u16) -> io::Result<()> {
    let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await?;
    // Whoever still sends would else lose the answer with the connection.
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.map(drop)
}

const NO_AUTH: u8 = 0;
const BY_PASSWORD: u8 = 2;
const NONE_OF_THEM: u8 = 0xff;

/// RFC 1928 and, for the password, RFC 1929. What a client does not offer is not accepted.
async fn socks5(mut stream: TcpStream, manners: &Manners, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let [_, count] = [stream.read_u8().await?, stream.read_u8().await?];
    let mut offered = vec![0; count.into()];
    stream.read_exact(&mut offered).await?;
    let wanted = if manners.credentials.is_some() { BY_PASSWORD } else { NO_AUTH };
    if !offered.contains(&wanted) {
        return stream.write_all(&[5, NONE_OF_THEM]).await;
    }
    stream.write_all(&[5, wanted]).await?;
    if let Some((user, password)) = manners.credentials {
        stream.read_u8().await?;
        let got = [field(&mut stream).await?, field(&mut stream).await?];
        let is_right = got == [user, password];
        stream.write_all(&[1, u8::from(!is_right)]).await?;
        if !is_right {
            return Ok(());
        }
    }
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let host = match request[3] {
        1 => {
            let mut bytes = [0; 4];
            stream.read_exact(&mut bytes).await?;
            std::net::Ipv4Addr::from(bytes).to_string()
        }
        3 => field(&mut stream).await?,
        _ => {
            let mut bytes = [0; 16];
            stream.read_exact(&mut bytes).await?;
            format!("[{}]", std::net::Ipv6Addr::from(bytes))
        }
    };
    let place = format!("{host}:{}", stream.read_u16().await?);
    asked.lock().unwrap().push(place.clone());
    let reply = |code: u8| [5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    if let Some(code) = manners.refuses_with {
        return stream.write_all(&reply(u8::try_from(code).unwrap())).await;
    }
    let Ok(mut there) = dial(manners, &place).await else { return stream.write_all(&reply(4)).await };
    stream.write_all(&reply(0)).await?;
    copy_bidirectional(&mut stream, &mut there).await.map(drop)
}

async fn field(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = vec![0; stream.read_u8().await?.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(String::from_utf8(bytes).unwrap())
}
