//! Transfers that break off or stand still, by a server that says no more than it is told to.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cinder_volume_xtremio::openstack::{Glance, GlanceError, Image, Upload};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::glance::{caller, options, scratch};

const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\n0123456789";
const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\n01234";
const QUEUED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 28\r\nconnection: close\r\n\r\n{\"id\":\"i\",\"status\":\"queued\"}";
/// More than the buffers of a connection hold.
const LARGE: u64 = 1 << 30;

#[derive(Debug, Clone, Copy)]
enum Then {
    /// Ends the connection.
    Close,
    /// Keeps it open, reading nothing and saying nothing.
    Hold,
}

/// Serves one request a connection, in this order; what more comes is refused.
struct Scripted {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Scripted {
    async fn start(script: &'static [(&'static str, Then)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let noted = asked.clone();
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            for (answer, then) in script {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let head = head(&mut stream).await;
                let line = head.lines().next().unwrap_or_default().to_owned();
                noted.lock().expect("no panic").push(line);
                stream.write_all(answer.as_bytes()).await.expect("answered");
                match then {
                    Then::Close => stream.shutdown().await.expect("closed"),
                    Then::Hold => held.push(stream),
                }
            }
            std::future::pending::<()>().await;
        });
        Self {
            address,
            asked,
            task,
        }
    }

    fn glance(&self) -> Glance {
        let mut options = options(std::slice::from_ref(&self.address));
        options.request_timeout = Some(Duration::from_secs(1));
        Glance::new(options).expect("a client")
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn image() -> Image {
    serde_json::from_value(json!({"id": "i", "status": "active", "size": 10})).expect("an image")
}

fn upload() -> Upload {
    Upload {
        image_id: "i".to_owned(),
        store_id: None,
        base_image_ref: None,
    }
}

#[tokio::test]
async fn what_ends_in_the_middle_is_begun_anew() {
    let server = Scripted::start(&[(HALF, Then::Close), (WHOLE, Then::Close)]).await;
    let (_dir, path, mut file) = scratch().await;
    let glance = server.glance();
    let done = glance
        .download(&caller(), &image(), &mut file, |_| ())
        .await;
    done.expect("the second time");
    assert_eq!(std::fs::read(path).expect("the file"), b"0123456789");
}

#[tokio::test]
async fn what_stands_still_is_begun_anew() {
    let server = Scripted::start(&[(HALF, Then::Hold), ("", Then::Hold)]).await;
    let (_dir, _path, mut file) = scratch().await;
    let glance = server.glance();
    let done = glance
        .download(&caller(), &image(), &mut file, |_| ())
        .await;
    assert!(
        matches!(&done, Err(GlanceError::ConnectionFailed { reason, .. }) if reason == "no byte for 1 s"),
        "{done:?}"
    );
    assert_eq!(server.asked(), ["GET /v2/images/i/file HTTP/1.1"; 2]);
}

#[tokio::test]
async fn bytes_that_were_sent_are_not_sent_again() {
    for then in [Then::Close, Then::Hold] {
        let script: &'static [(&str, Then)] = match then {
            Then::Close => &[(QUEUED, Then::Close), ("", Then::Close), ("", Then::Close)],
            Then::Hold => &[(QUEUED, Then::Close), ("", Then::Hold), ("", Then::Close)],
        };
        let server = Scripted::start(script).await;
        let since = Instant::now();
        let sent = server
            .glance()
            .upload(&caller(), &upload(), tokio::io::repeat(7), LARGE)
            .await;
        assert!(
            matches!(sent, Err(GlanceError::ConnectionFailed { .. })),
            "{then:?}: {sent:?}"
        );
        assert!(since.elapsed() < Duration::from_secs(60), "{then:?}");
        let puts = |asked: &[String]| asked.iter().filter(|one| one.starts_with("PUT")).count();
        assert_eq!(puts(&server.asked()), 1, "{:?}", server.asked());
    }
}
