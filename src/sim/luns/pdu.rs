//! The few iSCSI PDUs (RFC 7143) that are read before a session is passed on.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes of a basic header segment.
const HEADER: usize = 48;
/// More data than this is no login and no discovery.
const MOST_DATA: usize = 16 << 10;

pub(crate) const NOP_OUT: u8 = 0x00;
pub(crate) const LOGIN: u8 = 0x03;
pub(crate) const TEXT: u8 = 0x04;
pub(crate) const LOGOUT: u8 = 0x06;
pub(crate) const NOP_IN: u8 = 0x20;
pub(crate) const LOGIN_ANSWER: u8 = 0x23;
pub(crate) const TEXT_ANSWER: u8 = 0x24;
pub(crate) const LOGOUT_ANSWER: u8 = 0x26;
pub(crate) const REJECT: u8 = 0x3f;

/// The last PDU of its kind, or the wish to go to the next stage.
pub(crate) const FINAL: u8 = 0x80;
/// More text follows in another PDU.
pub(crate) const CONTINUE: u8 = 0x40;

/// One PDU, without its padding.
#[derive(Debug, Clone)]
pub(crate) struct Pdu {
    pub(crate) header: [u8; HEADER],
    pub(crate) data: Vec<u8>,
}

impl Pdu {
    /// An empty one.
    pub(crate) fn new(opcode: u8, flags: u8) -> Self {
        let mut header = [0; HEADER];
        header[0] = opcode;
        header[1] = flags;
        Self {
            header,
            data: Vec::new(),
        }
    }

    /// Reads one; None: the other side ended the connection between two.
    ///
    /// # Errors
    /// Broken connections, and what is too long to be one of the PDUs known here.
    pub(crate) async fn read(stream: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut header = [0; HEADER];
        match stream.read_exact(&mut header).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        };
        let length = u32::from_be_bytes([0, header[5], header[6], header[7]]) as usize;
        if header[4] != 0 || length > MOST_DATA {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "not a login or discovery PDU",
            ));
        }
        let mut data = vec![0; length.next_multiple_of(4)];
        stream.read_exact(&mut data).await?;
        data.truncate(length);
        Ok(Some(Self { header, data }))
    }

    pub(crate) async fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut bytes = self.header.to_vec();
        let length = u32::try_from(self.data.len()).map_err(io::Error::other)?;
        bytes[5..8].copy_from_slice(&length.to_be_bytes()[1..]);
        bytes.extend_from_slice(&self.data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        stream.write_all(&bytes).await
    }

    pub(crate) fn opcode(&self) -> u8 {
        self.header[0] & 0x3f
    }

    pub(crate) fn flags(&self) -> u8 {
        self.header[1]
    }

    pub(crate) fn word(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.header[at..at + 4]);
        u32::from_be_bytes(bytes)
    }

    pub(crate) fn set_word(&mut self, at: usize, value: u32) {
        self.header[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    /// `key=value` pairs in their order.
    pub(crate) fn keys(&self) -> Keys {
        Keys::read(&self.data)
    }
}

/// Text keys in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(Vec<(String, String)>);

impl Keys {
    /// Reads a data segment; what is not text or not a pair is left out.
    pub(crate) fn read(data: &[u8]) -> Self {
        let texts = data.split(|byte| *byte == 0);
        let pairs = texts.filter_map(|text| {
            let (key, value) = std::str::from_utf8(text).ok()?.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        });
        Self(pairs.collect())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a list offers a value.
    pub(crate) fn offers(&self, key: &str, value: &str) -> bool {
        self.get(key)
            .is_some_and(|list| list.split(',').any(|offer| offer == value))
    }

    pub(crate) fn put(&mut self, key: &str, value: impl Into<String>) {
        self.0.push((key.to_owned(), value.into()));
    }

    /// Puts these before the others.
    pub(crate) fn follow(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    pub(crate) fn without(mut self, keys: &[&str]) -> Self {
        self.0.retain(|(key, _)| !keys.contains(&key.as_str()));
        self
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let pairs = self.0.iter();
        pairs
            .flat_map(|(key, value)| format!("{key}={value}\0").into_bytes())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn keys_keep_their_order_and_garbage_is_left_out() {
        let keys = Keys::read(b"A=1\0\xff\xfe=2\0nothing\0List=x,CHAP,None\0E=\0");
        let all: Vec<_> = keys.iter().collect();
        assert_eq!(all, [("A", "1"), ("List", "x,CHAP,None"), ("E", "")]);
        assert!(keys.offers("List", "CHAP") && !keys.offers("List", "CHA"));
        let mut first = Keys::default();
        first.put("N", "a=b");
        let whole = first.follow(keys.without(&["List"])).bytes();
        assert_eq!(whole, b"N=a=b\0A=1\0E=\0");
        assert_eq!(Keys::read(&whole).get("N"), Some("a=b"));
    }
}
