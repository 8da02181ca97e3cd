//! Discovery sessions: hosts ask which targets there are, the front answers.

use std::io;

use tokio::net::TcpStream;

use super::admission::Status;
use super::login::{Passed, answer};
use super::pdu::{
    FINAL, Keys, LOGIN, LOGOUT, LOGOUT_ANSWER, NOP_IN, NOP_OUT, Pdu, REJECT, TEXT, TEXT_ANSWER,
};

/// "No tag": in answers, that nothing more is expected.
const NONE: u32 = u32::MAX;
const FULL_FEATURE: u8 = 3;

/// Plays the rest of a discovery session. `targets` are names and addresses.
///
/// # Errors
/// Broken connections and PDUs that no discovery session has.
pub(crate) async fn serve(
    stream: &mut TcpStream,
    passed: Passed,
    targets: impl Fn() -> Vec<(String, String)>,
) -> io::Result<()> {
    let mut session = Session {
        stream,
        status_number: passed.status_number,
        command_number: passed.request.word(24),
    };
    let (mut request, mut keys) = (passed.request, passed.keys);
    // Until the host wants to go on, which few do not at once.
    while !session.login(&request, &keys).await? {
        match Pdu::read(session.stream).await? {
            Some(next) if next.opcode() == LOGIN => request = next,
            _ => return Ok(()),
        }
        keys = request.keys();
    }
    while let Some(request) = Pdu::read(session.stream).await? {
        if request.header[0] & 0x40 == 0 {
            session.command_number = request.word(24).wrapping_add(1);
        }
        match request.opcode() {
            TEXT => session.text(&request, &targets()).await?,
            NOP_OUT => session.nop(&request).await?,
            LOGOUT => {
                let pdu = Pdu::new(LOGOUT_ANSWER, FINAL);
                return session.send(&request, pdu).await;
            }
            _ => return session.reject(&request).await,
        }
    }
    Ok(())
}

struct Session<'a> {
    stream: &'a mut TcpStream,
    status_number: u32,
    command_number: u32,
}

impl Session<'_> {
    /// Answers one PDU of the operational stage; whether it was the last.
    async fn login(&mut self, request: &Pdu, keys: &Keys) -> io::Result<bool> {
        let last = request.flags() & FINAL != 0;
        let flags = if last { FINAL | FULL_FEATURE } else { 0 };
        let mut pdu = answer(request, flags | 1 << 2, self.status_number, Status::SUCCESS);
        pdu.header[15] = u8::from(last);
        pdu.data = negotiated(keys).bytes();
        self.status_number = self.status_number.wrapping_add(1);
        pdu.write(self.stream).await?;
        Ok(last)
    }

    async fn text(&mut self, request: &Pdu, targets: &[(String, String)]) -> io::Result<()> {
        let mut pdu = Pdu::new(TEXT_ANSWER, FINAL);
        pdu.header[8..16].copy_from_slice(&request.header[8..16]);
        pdu.set_word(20, NONE);
        let mut keys = Keys::default();
        for (key, value) in request.keys().iter() {
            if key == "SendTargets" {
                listed(&mut keys, targets, value);
            } else {
                keys.put(key, "NotUnderstood");
            }
        }
        pdu.data = keys.bytes();
        self.send(request, pdu).await
    }

    async fn nop(&mut self, request: &Pdu) -> io::Result<()> {
        if request.word(16) == NONE {
            return Ok(());
        }
        let mut pdu = Pdu::new(NOP_IN, FINAL);
        pdu.header[8..16].copy_from_slice(&request.header[8..16]);
        pdu.set_word(20, NONE);
        pdu.data.clone_from(&request.data);
        self.send(request, pdu).await
    }

    /// Tells that a PDU has no place here; the session ends.
    async fn reject(&mut self, request: &Pdu) -> io::Result<()> {
        const PROTOCOL_ERROR: u8 = 4;
        let mut pdu = Pdu::new(REJECT, FINAL);
        pdu.header[2] = PROTOCOL_ERROR;
        pdu.data = request.header.to_vec();
        let mut tagless = request.clone();
        tagless.set_word(16, NONE);
        self.send(&tagless, pdu).await
    }

    async fn send(&mut self, request: &Pdu, mut pdu: Pdu) -> io::Result<()> {
        pdu.header[16..20].copy_from_slice(&request.header[16..20]);
        pdu.set_word(24, self.status_number);
        pdu.set_word(28, self.command_number);
        pdu.set_word(32, self.command_number.wrapping_add(8));
        self.status_number = self.status_number.wrapping_add(1);
        pdu.write(self.stream).await
    }
}

/// What a discovery session agrees to.
fn negotiated(offered: &Keys) -> Keys {
    let mut keys = Keys::default();
    for (key, value) in offered.iter() {
        match key {
            "HeaderDigest" | "DataDigest" => keys.put(key, "None"),
            "DefaultTime2Wait" => keys.put(key, value),
            "DefaultTime2Retain" | "ErrorRecoveryLevel" => keys.put(key, "0"),
            // Declared, not negotiated.
            "MaxRecvDataSegmentLength" => keys.put(key, "8192"),
            "InitialR2T"
            | "ImmediateData"
            | "MaxBurstLength"
            | "FirstBurstLength"
            | "MaxConnections"
            | "MaxOutstandingR2T"
            | "DataPDUInOrder"
            | "DataSequenceInOrder"
            | "IFMarker"
            | "OFMarker" => keys.put(key, "Irrelevant"),
            _ => keys.put(key, "NotUnderstood"),
        }
    }
    keys
}

/// The targets that `SendTargets` asks for: all, or one by its name. Addresses of the same
/// target stand together.
fn listed(keys: &mut Keys, targets: &[(String, String)], wanted: &str) {
    let mut told: Vec<&str> = Vec::new();
    for (name, _) in targets {
        if told.contains(&name.as_str()) || !(wanted == "All" || wanted == name) {
            continue;
        }
        told.push(name);
        keys.put("TargetName", name);
        for (_, address) in targets.iter().filter(|(other, _)| other == name) {
            keys.put("TargetAddress", format!("{address},1"));
        }
    }
}
