//! How qemu is told of a file or LUN: option strings, in which a comma is written twice.

use std::fmt;
use std::path::Path;

use secrecy::SecretString;

use super::super::path::Place;

/// The input of the program, whatever stands at the path of the file by now.
pub(super) const INPUT: &str = "/proc/self/fd/0";

/// A disk as qemu sees it: a format, and what it lies in.
#[derive(Debug, Clone)]
pub(super) struct Node {
    options: Vec<(&'static str, String)>,
    /// Id and value of the secret that it names.
    pub(super) secret: Option<(&'static str, SecretString)>,
}

impl Node {
    /// A regular file in that format; never created.
    pub(super) fn file(format: &str, path: &str) -> Self {
        Self {
            options: vec![
                ("driver", format.to_owned()),
                ("file.driver", "file".to_owned()),
                ("file.filename", path.to_owned()),
            ],
            secret: None,
        }
    }

    /// The bytes of a volume: always raw, whatever a tenant wrote to their beginning. Neither a
    /// device that went away nor anything else is created or replaced by a file.
    ///
    /// `secret` is the id for its secret, if it has one.
    pub(super) fn place(place: &Place, secret: &'static str) -> Self {
        let raw = |driver: &str, path: &Path| Self {
            options: vec![
                ("driver", "raw".to_owned()),
                ("file.driver", driver.to_owned()),
                ("file.filename", path.to_string_lossy().into_owned()),
            ],
            secret: None,
        };
        let lun = match place {
            Place::File(path) => return raw("file", path),
            Place::Device(path) => return raw("host_device", path),
            Place::Iscsi(lun) => lun,
        };
        let mut options = vec![
            ("driver", "raw".to_owned()),
            ("file.driver", "iscsi".to_owned()),
            ("file.transport", "tcp".to_owned()),
            ("file.portal", lun.portal.clone()),
            ("file.target", lun.target.clone()),
            ("file.lun", lun.lun.to_string()),
            ("file.initiator-name", lun.initiator.clone()),
        ];
        if let Some(chap) = &lun.chap {
            options.push(("file.user", chap.user.clone()));
            options.push(("file.password-secret", secret.to_owned()));
        }
        Self {
            options,
            secret: lun.chap.as_ref().map(|c| (secret, c.password.clone())),
        }
    }

    /// Only the first bytes of it.
    pub(super) fn first(mut self, bytes: u64) -> Self {
        self.options.push(("offset", "0".to_owned()));
        self.options.push(("size", bytes.to_string()));
        self
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.options.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{key}={}", doubled(value))?;
        }
        Ok(())
    }
}

/// A value in an option string.
pub(super) fn doubled(value: &str) -> String {
    value.replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::path::{Chap, IscsiLun};

    #[test]
    fn a_comma_in_a_name_does_not_begin_an_option() {
        let place = Place::File("/x,file.driver=host_device,y".into());
        assert_eq!(
            Node::place(&place, "s").to_string(),
            "driver=raw,file.driver=file,file.filename=/x,,file.driver=host_device,,y"
        );
    }

    #[test]
    fn a_lun_names_its_secret_and_does_not_tell_it() {
        let lun = IscsiLun {
            portal: "[::1]:3260".to_owned(),
            target: "iqn.2008-05.com.xtremio:a".to_owned(),
            lun: 16640,
            initiator: "iqn.x:y".to_owned(),
            chap: Some(Chap {
                user: "me,you".to_owned(),
                password: "hidden".into(),
            }),
        };
        let node = Node::place(&Place::Iscsi(lun), "from").first(8);
        assert_eq!(
            node.to_string(),
            "driver=raw,file.driver=iscsi,file.transport=tcp,file.portal=[::1]:3260,\
             file.target=iqn.2008-05.com.xtremio:a,file.lun=16640,file.initiator-name=iqn.x:y,\
             file.user=me,,you,file.password-secret=from,offset=0,size=8"
        );
        assert!(!format!("{node:?}").contains("hidden"));
    }
}
