//! Those who read files slowly leave room for hooks.

use std::fs::{self, File};

use futures_util::future::join_all;
use reqwest::Url;
use telekommo::{
    clock,
    config::{Config, Environment},
    media::{
        imported,
        link::{ImportedFile, LinkKey, Links},
    },
    sandbox::{
        harness::{ANNA, Harness, LINES, Line},
        kommo::Status,
    },
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::TestStage;

const SALES: Line = LINES[0];
/// Far more than files pass through at the same time.
const READERS: usize = 128;
/// More than lies between a writer and a reader who takes nothing.
const LENGTH: u64 = 16 << 20;

/// A link to an imported file, and where it leads.
pub(crate) fn imported_file(stage: &Harness) -> Url {
    imported_as(stage, None, "x.bin")
}

/// The same of a file with a type and a name.
pub(crate) fn imported_as(stage: &Harness, mime_type: Option<&str>, file_name: &str) -> Url {
    let config = Config::load(Some(&stage.write_config().unwrap()), &Environment::default()).unwrap();
    let folder = imported::dir(&config.data_dir).join("1-2/7");
    fs::create_dir_all(&folder).unwrap();
    File::create(folder.join("5.bin")).unwrap().set_len(LENGTH).unwrap();
    let links = Links {
        key: LinkKey::derive(config.kommo.channel_secret.expose()),
        public_url: config.server.public_url.url().clone(),
        valid_for: config.media.links_for,
    };
    let (path, file_name) = ("1-2/7/5.bin".to_owned(), file_name.to_owned());
    let file = ImportedFile { path, file_name, mime_type: mime_type.map(str::to_owned), expires_at_seconds: 0 };
    Url::parse(&links.made_at(clock::now()).to_imported(&file)).unwrap()
}

/// Somebody who asks for a file and takes nothing of it.
async fn slow_reader(url: &Url) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", url.path());
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_readers_of_files_do_not_keep_a_hook_from_being_taken() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let url = imported_file(&stage);
    let whole = reqwest::get(url.clone()).await.unwrap();
    assert_eq!((whole.status().as_u16(), whole.content_length()), (200, Some(LENGTH)));
    drop(whole);

    let readers = join_all((0..READERS).map(|_| slow_reader(&url))).await;
    let id = stage.reply(SALES, ANNA, "Hello").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    drop(readers);
    stage.finish().await;
}
