//! A byte relay between a client and a server, to cut or stall the line between them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the relay does at the moment. A connection belongs to the `epoch` it was opened in:
/// one that missed a short cut sees a newer epoch and ends all the same.
#[derive(Clone, Copy, PartialEq)]
struct Line {
    epoch: u64,
    open: bool,
    flowing: bool,
}

impl Line {
    fn ended(&self, epoch: u64) -> bool {
        !self.open || self.epoch != epoch
    }
}

/// A loopback port whose connections lead to one server, until the line is cut. Dropping it
/// ends every connection.
pub(crate) struct Relay {
    addr: SocketAddr,
    line: watch::Sender<Line>,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Listens on a free loopback port and leads to `target`.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a loopback port");
        let addr = listener.local_addr().expect("its address");
        let (line, watched) = watch::channel(Line {
            epoch: 0,
            open: true,
            flowing: true,
        });
        let accepted = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(accept(listener, target, watched, Arc::clone(&accepted)));
        Self {
            addr,
            line,
            accepted,
            task,
        }
    }

    /// Where clients connect to.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections were let through so far.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Resets every connection, and each new one as soon as it is made.
    pub(crate) fn cut(&self) {
        self.line.send_modify(|line| {
            line.epoch += 1;
            line.open = false;
        });
    }

    /// Keeps connections but carries no byte: what a dead network looks like.
    pub(crate) fn stall(&self) {
        self.line.send_modify(|line| line.flowing = false);
    }

    /// Lets everything through again, after `cut` or `stall`.
    pub(crate) fn restore(&self) {
        self.line.send_modify(|line| {
            line.open = true;
            line.flowing = true;
        });
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    line: watch::Receiver<Line>,
    accepted: Arc<AtomicUsize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let now = *line.borrow();
        if !now.open {
            let _ = client.set_zero_linger();
            continue;
        }
        accepted.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(carry(client, target, line.clone(), now.epoch));
    }
}

async fn carry(client: TcpStream, target: SocketAddr, line: watch::Receiver<Line>, epoch: u64) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let (up, down) = tokio::join!(
        pump(client_read, server_write, line.clone(), epoch),
        pump(server_read, client_write, line.clone(), epoch),
    );
    if line.borrow().ended(epoch) {
        // what the peers see of a cut is a reset, not an orderly end
        let ((client_read, server_write), (server_read, client_write)) = (up, down);
        for stream in [
            client_read.reunite(client_write),
            server_read.reunite(server_write),
        ] {
            let _ = stream.expect("halves of one stream").set_zero_linger();
        }
    }
}

/// Carries one direction until its end or a cut, and gives the halves back.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    epoch: u64,
) -> (OwnedReadHalf, OwnedWriteHalf) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            biased;
            _ = line.wait_for(|line| line.ended(epoch)) => break,
            read = from.read(&mut buffer) => read.unwrap_or(0),
        };
        let passes = line
            .wait_for(|line| line.flowing || line.ended(epoch))
            .await;
        if passes.is_ok_and(|line| line.ended(epoch)) {
            break;
        }
        if read == 0 {
            let _ = to.shutdown().await;
            break;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    (from, to)
}

#[tokio::test]
async fn a_cut_resets_and_a_restored_line_carries_again() {
    let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = Relay::to(echo.local_addr().unwrap()).await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = echo.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    let mut answer = [0; 4];

    let mut first = TcpStream::connect(relay.addr()).await.unwrap();
    first.write_all(b"ping").await.unwrap();
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"ping");

    relay.cut();
    let why = first.read(&mut answer).await.unwrap_err();
    assert_eq!(why.kind(), std::io::ErrorKind::ConnectionReset);
    let mut refused = TcpStream::connect(relay.addr()).await.unwrap();
    assert!(refused.read(&mut answer).await.is_err());

    relay.restore();
    let mut second = TcpStream::connect(relay.addr()).await.unwrap();
    relay.stall();
    second.write_all(b"pong").await.unwrap();
    let silent = std::time::Duration::from_millis(100);
    assert!(
        tokio::time::timeout(silent, second.read_exact(&mut answer))
            .await
            .is_err()
    );
    relay.restore();
    second.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"pong");
    assert_eq!(relay.accepted(), 2);
}
