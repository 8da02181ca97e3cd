//! A byte relay between a client and a server, to cut or stall the line between them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
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
    /// Connections of earlier epochs have ended.
    alive_since: u64,
    /// Connections of earlier epochs carry nothing any more.
    carries_since: u64,
    open: bool,
    flowing: bool,
}

impl Line {
    fn ended(&self, epoch: u64) -> bool {
        !self.open || epoch < self.alive_since
    }

    fn carries(&self, epoch: u64) -> bool {
        self.flowing && epoch >= self.carries_since
    }
}

/// A loopback port whose connections lead to one server, until the line is cut. Dropping it
/// ends every connection.
pub(crate) struct Relay {
    addr: SocketAddr,
    line: watch::Sender<Line>,
    accepted: Arc<AtomicUsize>,
    hung_up: Arc<AtomicUsize>,
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
            alive_since: 0,
            carries_since: 0,
            open: true,
            flowing: true,
        });
        let accepted = Arc::new(AtomicUsize::new(0));
        let hung_up = Arc::new(AtomicUsize::new(0));
        let counters = [Arc::clone(&accepted), Arc::clone(&hung_up)];
        let task = tokio::spawn(accept(listener, target, watched, counters));
        Self {
            addr,
            line,
            accepted,
            hung_up,
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

    /// How many connections their client has ended so far.
    pub(crate) fn hung_up(&self) -> usize {
        self.hung_up.load(Ordering::SeqCst)
    }

    /// Resets every connection, and each new one as soon as it is made.
    pub(crate) fn cut(&self) {
        self.line.send_modify(|line| {
            line.epoch += 1;
            line.alive_since = line.epoch;
            line.open = false;
        });
    }

    /// Keeps the connections there are, which never carry a byte again; new ones work: what a
    /// firewall that has forgotten its connections looks like.
    pub(crate) fn strand(&self) {
        self.line.send_modify(|line| {
            line.epoch += 1;
            line.carries_since = line.epoch;
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
    [accepted, hung_up]: [Arc<AtomicUsize>; 2],
) {
    while let Ok((client, _)) = listener.accept().await {
        let now = *line.borrow();
        if !now.open {
            let _ = client.set_zero_linger();
            continue;
        }
        accepted.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(carry(
            client,
            target,
            line.clone(),
            now.epoch,
            Arc::clone(&hung_up),
        ));
    }
}

async fn carry(
    client: TcpStream,
    target: SocketAddr,
    line: watch::Receiver<Line>,
    epoch: u64,
    hung_up: Arc<AtomicUsize>,
) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let (up, down) = tokio::join!(
        pump(
            client_read,
            server_write,
            line.clone(),
            epoch,
            Some(hung_up)
        ),
        pump(server_read, client_write, line.clone(), epoch, None),
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
    hung_up: Option<Arc<AtomicUsize>>,
) -> (OwnedReadHalf, OwnedWriteHalf) {
    let mut flow = line.clone();
    let mut buffer = vec![0; 64 * 1024];
    let mut waiting = Vec::new();
    let mut over = false;
    loop {
        tokio::select! {
            biased;
            // what they give back would lock the state over the awaits below
            () = line.wait_for(|line| line.ended(epoch)).map(drop) => break,
            () = flow.wait_for(|line| line.carries(epoch)).map(drop),
                if over || !waiting.is_empty() =>
            {
                if to.write_all(&waiting).await.is_err() {
                    break;
                }
                waiting.clear();
                if over {
                    let _ = to.shutdown().await;
                    break;
                }
            }
            read = from.read(&mut buffer), if !over => {
                let read = read.unwrap_or(0);
                waiting.extend_from_slice(&buffer[..read]);
                over = read == 0;
                if over && let Some(hung_up) = &hung_up {
                    hung_up.fetch_add(1, Ordering::SeqCst);
                }
            }
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

    relay.strand();
    second.write_all(b"lost").await.unwrap();
    let mut third = TcpStream::connect(relay.addr()).await.unwrap();
    third.write_all(b"ping").await.unwrap();
    third.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"ping");
    assert!(
        tokio::time::timeout(silent, second.read_exact(&mut answer))
            .await
            .is_err()
    );
    assert_eq!(relay.accepted(), 3);
}
