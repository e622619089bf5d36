//! Files come from allowed hosts only, whatever an address or a name server says.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, MutexGuard},
};

use reqwest::dns::{Addrs, Name, Resolving};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket, TcpStream},
};

use super::*;
use crate::net::Proxy;

const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// A name server with a list of answers for each name. The last one is repeated.
#[derive(Clone, Default)]
struct FakeNames(Arc<Mutex<Records>>);

#[derive(Default)]
struct Records {
    answers: BTreeMap<String, Vec<IpAddr>>,
    queries: Vec<String>,
}

impl FakeNames {
    fn with_answers(names: &[(&str, &[&str])]) -> Self {
        let fake = Self::default();
        for (name, answers) in names {
            let answers = answers.iter().rev().map(|address| address.parse().unwrap()).collect();
            fake.records().answers.insert((*name).to_owned(), answers);
        }
        fake
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap()
    }

    fn queries(&self) -> Vec<String> {
        self.records().queries.clone()
    }
}

impl Resolve for FakeNames {
    fn resolve(&self, name: Name) -> Resolving {
        let mut records = self.records();
        records.queries.push(name.as_str().to_owned());
        let answer = records.answers.get_mut(name.as_str()).and_then(|left| match left[..] {
            [last] => Some(last),
            [..] => left.pop(),
        });
        Box::pin(async move {
            let address = answer.ok_or_else(|| io::Error::other("there is no such name"))?;
            Ok(Box::new(std::iter::once(SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

fn foreign(host: &str) -> DownloadError {
    DownloadError::Foreign { host: host.to_owned() }
}

#[expect(clippy::disallowed_methods, reason = "a server of the test ends with it")]
fn spawn(server: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(server);
}

async fn opened(downloads: &Downloads, url: &str) -> Result<Bytes, DownloadError> {
    downloads.open(url, 1000).await.map(|download| download.first)
}

/// A server that answers each request as `answer` says, by its path, and keeps the paths.
async fn server(answer: impl Fn(&str) -> String + Send + 'static) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, queries) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
    let paths = Arc::clone(&queries);
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).await.unwrap();
            }
            let text = format!("HTTP/1.1 {}connection: close\r\n\r\n", answer(&path));
            paths.lock().unwrap().push(path);
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    });
    (address, queries)
}

/// A SOCKS proxy that goes nowhere, and keeps the addresses that it was to connect to.
async fn socks() -> (u16, Arc<Mutex<Vec<IpAddr>>>) {
    async fn asked_for(stream: &mut TcpStream) -> io::Result<IpAddr> {
        let mut greeting = [0; 2];
        stream.read_exact(&mut greeting).await?;
        stream.read_exact(&mut vec![0; greeting[1].into()]).await?;
        stream.write_all(&[5, 0]).await?;
        let (mut request, mut address) = ([0; 4], [0; 4]);
        stream.read_exact(&mut request).await?;
        assert_eq!(request, [5, 1, 0, 1], "an address of IPv4");
        stream.read_exact(&mut address).await?;
        stream.read_u16().await?;
        stream.write_all(&[5, 1, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
        Ok(address.into())
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, queries) = (listener.local_addr().unwrap().port(), Arc::<Mutex<Vec<IpAddr>>>::default());
    let addresses = Arc::clone(&queries);
    spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if let Ok(address) = asked_for(&mut stream).await {
                addresses.lock().unwrap().push(address);
            }
        }
    });
    (port, queries)
}

fn directly(hosts: Hosts, names: &FakeNames) -> Downloads {
    Downloads::with_resolver(&Egress::new(Proxy::Nothing), hosts, READ_TIMEOUT, names).unwrap()
}

#[tokio::test]
async fn a_name_that_leads_into_a_private_network_is_foreign_and_not_tried_again() {
    let names = FakeNames::with_answers(&[
        ("metadata.kommo.com", &["169.254.169.254"]),
        ("home.kommo.com", &["127.0.0.1"]),
        ("mapped.amocrm.ru", &["::ffff:10.0.0.1"]),
        ("wrapped.amocrm.com", &["64:ff9b::7f00:1"]),
    ]);
    let downloads = directly(Hosts::new([], []), &names);
    for host in ["metadata.kommo.com", "home.kommo.com", "mapped.amocrm.ru", "wrapped.amocrm.com"] {
        assert_eq!(opened(&downloads, &format!("https://{host}/x")).await, Err(foreign(host)));
    }
    assert_eq!(names.queries().len(), 4, "each was looked up once");
}

#[tokio::test]
async fn names_of_the_system_are_checked_as_well() {
    let downloads = Downloads::new(&Egress::new(Proxy::Nothing), Hosts::new([], []), READ_TIMEOUT).unwrap();
    // Every machine knows this name without asking anybody.
    let url = Url::parse("https://localhost:1/x").unwrap();
    assert_eq!(downloads.send(&url, |http| http.get(url.clone())).await.unwrap_err(), foreign("localhost"));
}

#[tokio::test]
async fn a_name_that_changes_its_address_leads_to_the_checked_address_only() {
    // The proxy gets addresses, so it shows which one was connected to. Its own name is one of the operator's.
    let (port, connected) = socks().await;
    let egress = Egress::new(Proxy::parse(&format!("socks5://proxy.test:{port}")).unwrap());
    let names = FakeNames::with_answers(&[
        ("proxy.test", &["127.0.0.1"]),
        ("rebind.kommo.com", &["8.8.8.8", "127.0.0.1", "9.9.9.9", "10.0.0.1"]),
    ]);
    let downloads = Downloads::with_resolver(&egress, Hosts::new([], []), READ_TIMEOUT, &names).unwrap();
    for is_refused in [false, true, false, true] {
        let outcome = opened(&downloads, "https://rebind.kommo.com/x").await;
        let want = Err(foreign("rebind.kommo.com"));
        assert_eq!(outcome == want, is_refused, "{outcome:?}");
    }
    assert_eq!(*connected.lock().unwrap(), ["8.8.8.8", "9.9.9.9"].map(|address| address.parse::<IpAddr>().unwrap()));
    assert_eq!(
        names.queries().iter().filter(|name| *name == "rebind.kommo.com").count(),
        4,
        "once for each connection"
    );
}

#[tokio::test]
async fn every_redirect_is_checked_like_the_first_address() {
    let names = FakeNames::with_answers(&[("files.test", &["127.0.0.1"]), ("rebind.kommo.com", &["127.0.0.1"])]);
    let (address, queries) = server(|path| match path.strip_prefix("/to?") {
        Some("circle") => "302 Found\r\nlocation: /to?circle\r\n".to_owned(),
        Some(elsewhere) => format!("307 Temporary Redirect\r\nlocation: {elsewhere}\r\n"),
        None => "200 OK\r\ncontent-length: 0\r\n".to_owned(),
    })
    .await;
    let (downloads, port) = (directly(Hosts::new([], ["files.test"]), &names), address.port());
    let follow = async |location: &str| opened(&downloads, &format!("http://files.test:{port}/to?{location}")).await;
    assert_eq!(follow("/secret").await, Ok(Bytes::new()), "the same server may lead to itself");
    assert_eq!(follow("circle").await, Err(DownloadError::Circles));
    let before = queries.lock().unwrap().len();
    for (location, host) in [
        (format!("http://127.0.0.1:{port}/secret"), "127.0.0.1"),
        (format!("http://2130706433:{port}/secret"), "127.0.0.1"),
        (format!("http://017700000001:{port}/secret"), "127.0.0.1"),
        (format!("http://0x7f.1:{port}/secret"), "127.0.0.1"),
        (format!("http://127.1:{port}/secret"), "127.0.0.1"),
        (format!("http://[::ffff:127.0.0.1]:{port}/secret"), "[::ffff:7f00:1]"),
        (format!("http://0:{port}/secret"), "0.0.0.0"),
        (format!("//localhost:{port}/secret"), "localhost"),
        (format!("http://user:word@files.test:{port}/secret"), "files.test"),
        ("https://rebind.kommo.com/secret".to_owned(), "rebind.kommo.com"),
        ("http://rebind.kommo.com/secret".to_owned(), "rebind.kommo.com"),
        ("https://rebind.kommo.com:8443/secret".to_owned(), "rebind.kommo.com"),
        ("ftp://files.test/secret".to_owned(), "files.test"),
        ("gopher://files.test/secret".to_owned(), "files.test"),
        ("file:///etc/passwd".to_owned(), ""),
    ] {
        assert_eq!(follow(&location).await, Err(foreign(host)), "{location}");
    }
    let queries = queries.lock().unwrap()[before..].to_vec();
    assert!(queries.len() == 15 && queries.iter().all(|path| path.starts_with("/to?")), "{queries:?}");
    assert_eq!(names.queries().iter().filter(|name| *name == "rebind.kommo.com").count(), 1);
}

#[tokio::test]
async fn a_proxy_that_looks_up_names_is_asked_for_hosts_of_the_list_alone() {
    let names = FakeNames::with_answers(&[("proxy.test", &["127.0.0.1"])]);
    let (address, queries) = server(|_| "403 Forbidden\r\n".to_owned()).await;
    let egress = Egress::new(Proxy::parse(&format!("http://proxy.test:{}", address.port())).unwrap());
    let downloads = Downloads::with_resolver(&egress, Hosts::new([], []), READ_TIMEOUT, &names).unwrap();
    for (url, host) in [
        ("http://10.0.0.1/x", "10.0.0.1"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("https://evil.test/x", "evil.test"),
    ] {
        assert_eq!(opened(&downloads, url).await, Err(foreign(host)));
    }
    assert_eq!(*queries.lock().unwrap(), [""; 0]);
    let refused = opened(&downloads, "https://files.kommo.com/x").await;
    assert!(matches!(refused, Err(DownloadError::Later(_))), "{refused:?}");
    // It is asked a second time, for the reason.
    assert!(queries.lock().unwrap().iter().all(|queries| queries == "files.kommo.com:443"), "{queries:?}");
    assert_eq!(names.queries(), ["proxy.test"], "no other name is looked up here");
}

#[tokio::test]
async fn a_server_that_does_not_listen_is_tried_again() {
    let names = FakeNames::default();
    let downloads = directly(Hosts::new([], ["127.0.0.1"]), &names);
    // Bound, so that nobody else takes it.
    let silent = TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let free = silent.local_addr().unwrap();
    assert!(matches!(opened(&downloads, &format!("http://{free}/x")).await, Err(DownloadError::Later(_))));
}
