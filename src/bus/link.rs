//! A connection, and the means to end it when the broker no longer answers.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::ops::Deref;
use std::os::fd::AsFd;
use std::time::Duration;

use lapin::Connection;
use tokio::runtime::Handle;
use tokio::time::sleep;

/// How long the broker may take for the farewell of a connection that is given up.
const FAREWELL: Duration = Duration::from_secs(1);

/// A second handle of a socket; dropping it ends the connection in both directions.
///
/// lapin runs each connection in a thread of its own, which would wait for ever for the words
/// of a mute broker: a broken line would leave thread and socket behind at each reconnect.
pub(super) struct Line {
    socket: TcpStream,
}

impl Line {
    /// The line under an open socket.
    pub(super) fn of(socket: &impl AsFd) -> io::Result<Self> {
        let socket = socket.as_fd().try_clone_to_owned()?;
        Ok(Self {
            socket: socket.into(),
        })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// A connection to the broker; ends with its last owner.
pub(super) struct Link {
    connection: Connection,
    line: Option<Line>,
}

impl Link {
    pub(super) fn new(connection: Connection, line: Line) -> Self {
        Self {
            connection,
            line: Some(line),
        }
    }
}

impl Deref for Link {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // lapin closes an open connection in order, if the broker still answers.
        if self.connection.status().connected()
            && let Ok(runtime) = Handle::try_current()
            && let Some(line) = self.line.take()
        {
            runtime.spawn(async move {
                sleep(FAREWELL).await;
                drop(line);
            });
        }
    }
}
