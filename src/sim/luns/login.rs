//! The login of a host, up to the point where its session is passed on.
//!
//! The front plays the whole security stage itself: tgt knows neither the array's accounts nor
//! that several groups of hosts ask for the same target by name.

use std::io;

use tokio::net::TcpStream;

use super::admission::{Admission, Status};
use super::chap::Challenge;
use super::pdu::{CONTINUE, FINAL, Keys, LOGIN, LOGIN_ANSWER, Pdu};

const SECURITY: u8 = 0;
const OPERATIONAL: u8 = 1;
/// Rounds after which a login leads nowhere.
const ROUNDS: usize = 32;
/// The group tag that tgt gives its portals.
const GROUP_TAG: &str = "1";
/// Keys that the front deals with and tgt shall not see twice.
const OWN_KEYS: [&str; 5] = [
    "InitiatorName",
    "InitiatorAlias",
    "SessionType",
    "TargetName",
    "AuthMethod",
];

/// What the first PDU of a login says.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) initiator: String,
    /// None: a discovery session.
    pub(crate) target: Option<String>,
}

/// A login that has passed the security stage.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) initiator: String,
    /// The private target; None for discovery.
    pub(crate) target: Option<String>,
    /// Its first PDU of the operational stage.
    pub(crate) request: Pdu,
    /// The whole text of that PDU, its beginning included if it came in pieces.
    pub(crate) keys: Keys,
    /// Sequence number of the next answer.
    pub(crate) status_number: u32,
}

/// A login in progress.
struct Login<'a> {
    stream: &'a mut TcpStream,
    status_number: u32,
    tag_told: bool,
}

/// Plays a login until the host has proved who it is; None: it was refused or went away.
///
/// # Errors
/// Broken connections, and PDUs that do not belong to a login.
pub(crate) async fn pass(
    stream: &mut TcpStream,
    admit: impl FnOnce(&Asked) -> Result<Admission, Status>,
) -> io::Result<Option<Passed>> {
    let Some(first) = Pdu::read(stream).await? else {
        return Ok(None);
    };
    let mut login = Login {
        stream,
        status_number: first.word(28),
        tag_told: false,
    };
    let Some((request, keys)) = login.whole(first).await? else {
        return Ok(None);
    };
    let checked = ask(&request, &keys).and_then(|asked| Ok((admit(&asked)?, asked)));
    let (admission, asked) = match checked {
        Ok(found) => found,
        Err(status) => return login.refuse(&request, status).await.map(|()| None),
    };
    login.security(request, keys, admission, asked).await
}

/// Reads what a login asks for.
fn ask(request: &Pdu, keys: &Keys) -> Result<Asked, Status> {
    if request.header[3] > 0 {
        return Err(Status::VERSION);
    }
    if request.header[14..16] != [0, 0] {
        // A second connection of a session: one is all that is offered.
        return Err(Status::NO_SESSION);
    }
    let initiator = keys.get("InitiatorName").filter(|name| !name.is_empty());
    let target = match keys.get("SessionType") {
        Some("Discovery") => None,
        None | Some("Normal") => {
            let name = keys.get("TargetName").ok_or(Status::MISSING_PARAMETER)?;
            Some(name.to_owned())
        }
        Some(_) => return Err(Status::INITIATOR_ERROR),
    };
    Ok(Asked {
        initiator: initiator.ok_or(Status::MISSING_PARAMETER)?.to_owned(),
        target,
    })
}

impl Login<'_> {
    async fn security(
        &mut self,
        mut request: Pdu,
        mut keys: Keys,
        admission: Admission,
        asked: Asked,
    ) -> io::Result<Option<Passed>> {
        let mut proved = admission.accounts.is_none();
        let mut challenge = None;
        for _ in 0..ROUNDS {
            if stage(&request) == OPERATIONAL {
                if !proved {
                    return self.fail(&request, Status::AUTHENTICATION).await;
                }
                return Ok(Some(Passed {
                    initiator: asked.initiator,
                    target: admission.target,
                    request,
                    keys: keys.without(&OWN_KEYS),
                    status_number: self.status_number,
                }));
            }
            if stage(&request) != SECURITY {
                return self.fail(&request, Status::INITIATOR_ERROR).await;
            }
            let mut answer = Keys::default();
            if let Some(accounts) = &admission.accounts {
                if keys.get("CHAP_R").is_some() {
                    let put: Option<Challenge> = challenge.take();
                    match put.and_then(|challenge| challenge.check(accounts, &keys)) {
                        Some(own) => answer = own,
                        None => return self.fail(&request, Status::AUTHENTICATION).await,
                    }
                    proved = true;
                } else if keys.offers("CHAP_A", "5") {
                    answer = challenge.insert(Challenge::new()).keys();
                } else if keys.offers("AuthMethod", "CHAP") {
                    answer.put("AuthMethod", "CHAP");
                } else if !proved {
                    return self.fail(&request, Status::AUTHENTICATION).await;
                }
            } else if keys.offers("AuthMethod", "None") {
                answer.put("AuthMethod", "None");
            } else if keys.get("AuthMethod").is_some() {
                return self.fail(&request, Status::AUTHENTICATION).await;
            }
            let onward = proved && request.flags() & FINAL != 0;
            if onward && request.flags() & 3 != OPERATIONAL {
                // Without that stage tgt could not be told who comes.
                return self.fail(&request, Status::INITIATOR_ERROR).await;
            }
            let flags = if onward { FINAL | OPERATIONAL } else { 0 };
            self.answer(&request, flags, answer).await?;
            let Some(next) = Pdu::read(self.stream).await? else {
                return Ok(None);
            };
            let Some(whole) = self.whole(next).await? else {
                return Ok(None);
            };
            (request, keys) = whole;
        }
        self.fail(&request, Status::INITIATOR_ERROR).await
    }

    /// Waits for the rest of a text that comes in pieces.
    async fn whole(&mut self, mut request: Pdu) -> io::Result<Option<(Pdu, Keys)>> {
        let mut text = Vec::new();
        for _ in 0..ROUNDS {
            if request.opcode() != LOGIN {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "no login PDU"));
            }
            text.append(&mut request.data);
            if request.flags() & CONTINUE == 0 {
                return Ok(Some((request, Keys::read(&text))));
            }
            let flags = stage(&request) << 2;
            self.answer(&request, flags, Keys::default()).await?;
            match Pdu::read(self.stream).await? {
                Some(next) => request = next,
                None => return Ok(None),
            }
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "endless login"))
    }

    async fn answer(&mut self, request: &Pdu, flags: u8, mut keys: Keys) -> io::Result<()> {
        if !self.tag_told && request.flags() & CONTINUE == 0 {
            self.tag_told = true;
            keys.put("TargetPortalGroupTag", GROUP_TAG);
        }
        let mut pdu = answer(request, flags, self.status_number, Status::SUCCESS);
        pdu.data = keys.bytes();
        self.status_number = self.status_number.wrapping_add(1);
        pdu.write(self.stream).await
    }

    async fn refuse(&mut self, request: &Pdu, status: Status) -> io::Result<()> {
        refuse(self.stream, request, self.status_number, status).await
    }

    async fn fail(&mut self, request: &Pdu, status: Status) -> io::Result<Option<Passed>> {
        self.refuse(request, status).await.map(|()| None)
    }
}

fn stage(request: &Pdu) -> u8 {
    request.flags() >> 2 & 3
}

/// An answer to a login PDU, without text.
pub(crate) fn answer(request: &Pdu, flags: u8, status_number: u32, status: Status) -> Pdu {
    let mut pdu = Pdu::new(LOGIN_ANSWER, flags);
    pdu.header[8..14].copy_from_slice(&request.header[8..14]);
    pdu.header[16..20].copy_from_slice(&request.header[16..20]);
    let command = request.word(24);
    pdu.set_word(24, status_number);
    pdu.set_word(28, command);
    pdu.set_word(32, command.wrapping_add(1));
    pdu.header[36] = status.0;
    pdu.header[37] = status.1;
    pdu
}

/// Refuses a login.
pub(crate) async fn refuse(
    stream: &mut TcpStream,
    request: &Pdu,
    status_number: u32,
    status: Status,
) -> io::Result<()> {
    answer(request, 0, status_number, status)
        .write(stream)
        .await
}
