//! Which data path a backend uses on this host.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::command::{Call, Machine, at, run};
use super::connector::{hbas, initiator};
use super::kernel::Kernel;
use super::path::{Attachment, DataPath, PathError, Place};
use super::qemu::Qemu;
use super::userspace::Userspace;
use crate::config::{BackendOptions, PathChoice, Protocol};

/// How long a look at a program may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Bit of `CAP_SYS_ADMIN` in `CapEff`.
const SYS_ADMIN: u64 = 1 << 21;

/// The data path of a backend. Where none can work, all of its operations fail and say what this
/// host lacks; that stops nothing else.
pub async fn choose(
    backend: &BackendOptions,
    machine: Arc<dyn Machine>,
    qemu: Qemu,
) -> Arc<dyn DataPath> {
    let options = &backend.data_path;
    let kernel = || -> Arc<dyn DataPath> {
        Arc::new(Kernel::new(
            options.clone(),
            backend.protocol,
            machine.clone(),
        ))
    };
    let userspace = || -> Arc<dyn DataPath> {
        Arc::new(Userspace::new(
            options.clone(),
            machine.clone(),
            Arc::new(qemu.clone()),
        ))
    };
    let fibre = backend.protocol == Protocol::FibreChannel;
    let lacking = match options.choice {
        PathChoice::Kernel => return kernel(),
        PathChoice::Userspace if fibre => "image_data_path = userspace knows no FC".to_owned(),
        PathChoice::Userspace => return userspace(),
        PathChoice::Auto => match kernel_lacks(machine.as_ref(), backend.protocol).await {
            None => return kernel(),
            Some(kernel_lacks) if fibre => kernel_lacks,
            Some(kernel_lacks) => match userspace_lacks(machine.as_ref()).await {
                None => {
                    tracing::info!(
                        backend = backend.name,
                        "images are copied by userspace iSCSI: {kernel_lacks}"
                    );
                    return userspace();
                }
                Some(userspace_lacks) => format!("{kernel_lacks}, and {userspace_lacks}"),
            },
        },
    };
    let reason = format!(
        "no way to the bytes of volumes of {}: {lacking}",
        backend.name
    );
    tracing::warn!("{reason}");
    Arc::new(Missing { reason })
}

/// What the kernel path lacks here.
async fn kernel_lacks(machine: &dyn Machine, protocol: Protocol) -> Option<String> {
    if !may_administer(machine) {
        return Some("the kernel path needs root or CAP_SYS_ADMIN".to_owned());
    }
    match protocol {
        Protocol::FibreChannel if hbas(machine).is_empty() => {
            Some("no FC port of this host is online".to_owned())
        }
        Protocol::FibreChannel => None,
        Protocol::Iscsi => {
            if initiator(machine).is_none() {
                return Some("open-iscsi has no initiator name".to_owned());
            }
            // Asks iscsid, and so finds out whether there is one and a transport below it.
            let call = Call::new("iscsiadm", &["-m", "session"], LIMIT);
            match run(machine, &call).await {
                Ok(output) if matches!(output.code, 0 | 21) => transport_lacks(machine).await,
                Ok(output) => Some(format!(
                    "iscsiadm -m session ends with exit code {}",
                    output.code
                )),
                Err(error) => Some(format!("iscsiadm cannot be used: {error}")),
            }
        }
    }
}

/// Whether the kernel can speak iSCSI: a module is loaded, or can be.
async fn transport_lacks(machine: &dyn Machine) -> Option<String> {
    if at(machine, "sys/class/iscsi_transport").is_dir() {
        return None;
    }
    let call = Call::new("modprobe", &["-q", "-n", "iscsi_tcp"], LIMIT);
    match run(machine, &call).await {
        Ok(output) if output.code == 0 => None,
        _ => Some("this kernel has no iSCSI".to_owned()),
    }
}

fn may_administer(machine: &dyn Machine) -> bool {
    let status = std::fs::read_to_string(at(machine, "proc/self/status")).unwrap_or_default();
    let capabilities = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    capabilities.is_some_and(|bits| bits & SYS_ADMIN != 0)
}

/// What the userspace path lacks here.
async fn userspace_lacks(machine: &dyn Machine) -> Option<String> {
    match run(machine, &Call::new("qemu-img", &["--help"], LIMIT)).await {
        Err(error) => Some(format!("qemu-img cannot be used: {error}")),
        Ok(output) => {
            let formats = output.stdout.split("Supported formats:").nth(1);
            let knows = formats.is_some_and(|f| f.split_whitespace().any(|word| word == "iscsi"));
            (!knows).then(|| {
                "qemu-img has no iSCSI driver (Debian and Ubuntu: qemu-block-extra)".to_owned()
            })
        }
    }
}

/// In place of a path that cannot be.
#[derive(Debug)]
struct Missing {
    reason: String,
}

#[async_trait]
impl DataPath for Missing {
    async fn connector(&self) -> Result<Map<String, Value>, PathError> {
        Err(PathError::unusable(&self.reason))
    }

    async fn open(&self, _: &Attachment) -> Result<Place, PathError> {
        Err(PathError::unusable(&self.reason))
    }

    /// Nothing was opened.
    async fn close(&self, _: &Attachment, _: bool) -> Result<(), PathError> {
        Ok(())
    }
}
