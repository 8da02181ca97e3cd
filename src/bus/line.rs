//! The socket under a connection, so that it ends when we say so.
//!
//! lapin closes a connection by asking the broker and waits for its answer; over a line that
//! carries nothing it waits with a thread and a socket until the kernel gives up, and what the
//! broker sent meanwhile stays with a consumer that nobody serves. Ending the socket ends both.

use std::net::{Shutdown, TcpStream};
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use lapin::Connection;

/// A connection whose socket ends with it.
pub(super) struct Link {
    connection: Connection,
    _line: Line,
}

impl Link {
    /// Ties both together.
    pub(super) fn new(connection: Connection, line: Line) -> Self {
        Self {
            connection,
            _line: line,
        }
    }
}

impl Deref for Link {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// Ends its socket when dropped, also one that is made afterwards.
#[derive(Debug, Default)]
pub(super) struct Line {
    socket: Socket,
}

impl Line {
    /// The place where the connecting side leaves the socket.
    pub(super) fn socket(&self) -> Socket {
        self.socket.clone()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut state = self.socket.lock();
        if let State::Open(socket) = std::mem::replace(&mut *state, State::Ended) {
            // it may have ended by itself, which is just as good
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Shared by a [`Line`] and whoever connects it.
#[derive(Debug, Clone, Default)]
pub(super) struct Socket {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Connecting,
    Open(TcpStream),
    Ended,
}

impl Socket {
    /// Keeps a second handle on the socket.
    ///
    /// # Errors
    ///
    /// The line has been dropped meanwhile: nobody wants the connection any more.
    pub(super) fn keep(&self, socket: BorrowedFd<'_>) -> std::io::Result<()> {
        let socket = TcpStream::from(socket.as_fd().try_clone_to_owned()?);
        let mut state = self.lock();
        if let State::Ended = *state {
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        }
        *state = State::Open(socket);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
