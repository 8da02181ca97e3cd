//! Bytes of chance.

use cinder_volume_xtremio::image::inspect::{Format, Inspected};
use proptest::prelude::*;

use super::look;
use crate::support::disk_files::*;

/// What must never have been taken: judged anew, from the bytes alone.
pub(super) fn danger(bytes: &[u8], taken: Inspected) -> Option<&'static str> {
    let at = |at: usize, length: usize| bytes.get(at..at + length).unwrap_or_default();
    let zero = |part: &[u8]| part.iter().all(|byte| *byte == 0);
    match taken.format {
        Format::Qed => Some("QED"),
        Format::Qcow2 => {
            let bad = !zero(at(8, 8)) || !zero(at(72, 7)) || at(79, 1) > &[0x0b][..];
            (bad || at(79, 1)[0] & 4 != 0).then_some("a file beside it")
        }
        Format::Vmdk => {
            let text: Vec<u8> = bytes[512..]
                .iter()
                .copied()
                .take_while(|b| *b != 0)
                .collect();
            let text = String::from_utf8(text).ok()?.to_ascii_lowercase();
            let bad = [
                "parentfilenamehint",
                " flat ",
                "monolithicflat",
                "twogb",
                "vmfs",
            ];
            let bad = bad.iter().any(|word| {
                // in a name of what is no extent and no kind, they mean nothing
                let lines = text.lines().map(str::trim);
                let matters = |line: &str| {
                    line.starts_with("rw") || line.contains("createtype") || *word == bad[0]
                };
                lines
                    .filter(|line| matters(line))
                    .any(|line| line.contains(word))
            });
            (bad || zero(at(12, 8))).then_some("an extent or a parent beside it")
        }
        Format::Vhd => (at(60, 4) != [0, 0, 0, 3]).then_some("a parent beside it"),
        Format::Vdi => (!matches!(at(0x4c, 4), [1 | 2, 0, 0, 0])).then_some("a parent beside it"),
        Format::Vhdx => {
            let parent = guid(VHDX_PARENT);
            let table = bytes.get(192 << 10..).unwrap_or_default();
            let located = table
                .chunks_exact(32)
                .filter(|entry| entry.starts_with(&parent[..]));
            // one that is not counted is none
            (located.count() > 0 && at(VHDX_METADATA + 10, 2) >= &[3][..])
                .then_some("a parent beside it")
        }
        Format::Raw | Format::Gpt | Format::Iso | Format::Luks => {
            let signatures: [&[u8]; 6] = [
                b"QFI\xfb",
                b"QED\0",
                b"KDMV",
                b"COWD",
                b"conectix",
                b"vhdxfile",
            ];
            let signed = signatures.iter().any(|s| bytes.starts_with(s));
            let vdi = at(0x40, 4) == [0x7f, 0x10, 0xda, 0xbe];
            (signed || vdi).then_some("a format in disguise")
        }
    }
}

fn checked(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(taken) = look(bytes) {
        prop_assert_eq!(danger(bytes, taken), None);
    }
    Ok(())
}

fn small() -> Vec<DiskFile> {
    vec![
        qcow2().sized(4096),
        vhd(3),
        vdi(1),
        luks(1).sized(1024),
        vmdk(),
        gpt().sized(1024),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        checked(&bytes)?;
    }

    #[test]
    fn any_bytes_behind_a_signature(
        number in 0..6_usize,
        bytes in prop::collection::vec(any::<u8>(), 0..1024),
    ) {
        let signatures: [(usize, &[u8]); 6] = [
            (0, b"QFI\xfb"), (0, b"KDMV"), (0, b"conectix"), (0, b"vhdxfile"), (0, b"LUKS\xba\xbe"),
            (0x40, b"\x7f\x10\xda\xbe"),
        ];
        let (at, signature) = signatures[number];
        checked(&DiskFile(bytes).with(at, signature).0)?;
    }

    #[test]
    fn any_text_in_a_vmdk(text in "[ -~\n\r\t]{0,400}", kind in "(createType=\"[a-zA-Z]{0,20}\"\n)?") {
        let text = format!("{kind}{OWN_EXTENT}\n{text}");
        checked(&vmdk_of(text.as_bytes()).0)?;
    }

    #[test]
    fn any_text_in_front(text in "[ -~\n\r\t]{0,700}", rest in prop::collection::vec(any::<u8>(), 0..64)) {
        checked(&DiskFile(text.into_bytes()).and(&rest).0)?;
    }

    #[test]
    fn another_field_in_a_header(
        number in 0..6_usize,
        at in 0..600_usize,
        field in any::<u64>(),
        width in 1..=8_usize,
    ) {
        let file = small().swap_remove(number);
        checked(&file.with(at, &field.to_le_bytes()[..width]).0)?;
    }

    #[test]
    fn another_field_in_a_vhdx(place in 0..4_usize, at in 0..128_usize, field in any::<u32>()) {
        let places = [0, 192 << 10, VHDX_METADATA, VHDX_METADATA + (64 << 10)];
        checked(&vhdx().with(places[place] + at, &field.to_le_bytes()).0)?;
    }

    #[test]
    fn a_qcow2_with_a_backing_file_or_features(backing in any::<u64>(), features in any::<u64>()) {
        let file = qcow2().with(8, &backing.to_be_bytes()).with(72, &features.to_be_bytes());
        let harmless = backing == 0 && features & !0b1011 == 0;
        prop_assert_eq!(look(&file.0).is_ok(), harmless);
    }
}
