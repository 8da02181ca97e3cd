//! A host that speaks iSCSI by hand.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection.
pub(super) struct Wire {
    stream: TcpStream,
    number: u32,
}

/// An answer: its header and its text keys.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) header: [u8; 48],
    pub(super) keys: Vec<(String, String)>,
}

impl Answer {
    pub(super) fn get(&self, key: &str) -> &str {
        let found = self.keys.iter().find(|(known, _)| known == key);
        &found.unwrap_or_else(|| panic!("{key} in {self:?}")).1
    }

    /// Class and detail of a login answer.
    pub(super) fn status(&self) -> (u8, u8) {
        (self.header[36], self.header[37])
    }
}

impl Wire {
    pub(super) async fn open(address: &str) -> Self {
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            number: 0,
        }
    }

    pub(super) async fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends a PDU with text and reads the answer.
    pub(super) async fn ask(&mut self, opcode: u8, flags: u8, keys: &[(&str, &str)]) -> Answer {
        let text: String = keys
            .iter()
            .map(|(key, value)| format!("{key}={value}\0"))
            .collect();
        let mut pdu = vec![0; 48];
        (pdu[0], pdu[1]) = (opcode, flags);
        pdu[5..8].copy_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes()[1..]);
        pdu[8] = 0x80;
        pdu[20..24].fill(if opcode & 0x3f == 4 { 0xff } else { 0 });
        pdu[28..32].copy_from_slice(&self.number.to_be_bytes());
        pdu.extend_from_slice(text.as_bytes());
        pdu.resize(pdu.len().next_multiple_of(4), 0);
        self.raw(&pdu).await.unwrap();
        self.read().await
    }

    async fn read(&mut self) -> Answer {
        let mut header = [0; 48];
        self.stream.read_exact(&mut header).await.unwrap();
        let length = u32::from_be_bytes([0, header[5], header[6], header[7]]) as usize;
        let mut data = vec![0; length.next_multiple_of(4)];
        self.stream.read_exact(&mut data).await.unwrap();
        let number = u32::from_be_bytes([header[24], header[25], header[26], header[27]]);
        assert_eq!(number, self.number, "StatSN goes on by one");
        self.number = number + 1;
        // A rejected PDU comes back as it was.
        let text = String::from_utf8_lossy(&data[..length]);
        let keys = text.split_terminator('\0').filter(|key| key.contains('='));
        let pair = |key: &str| {
            let (key, value) = key.split_once('=').unwrap();
            (key.to_owned(), value.to_owned())
        };
        Answer {
            header,
            keys: keys.map(pair).collect(),
        }
    }

    /// Waits for the end of the connection; whether nothing came before it.
    pub(super) async fn ends(mut self) -> bool {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = self.stream.read_to_end(&mut rest).await;
        rest.is_empty()
    }
}
