//! Files of the disk formats, made byte by byte, so that each byte can be another.
//!
//! The disks in them are of 1 MiB and empty. Those of qcow2, VMDK, VDI and VHD can be opened by
//! qemu; of the others there is what an inspector looks at.

/// Size of the disks.
pub(crate) const SIZE: u64 = 1 << 20;
const KIB: usize = 1 << 10;

/// A file that grows as it is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct DiskFile(pub(crate) Vec<u8>);

impl DiskFile {
    /// With zeros only.
    pub(crate) fn zeros(length: usize) -> Self {
        Self(vec![0; length])
    }

    /// The same with other bytes in one place.
    pub(crate) fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        let end = at + bytes.len();
        if self.0.len() < end {
            self.0.resize(end, 0);
        }
        self.0[at..end].copy_from_slice(bytes);
        self
    }

    /// The same, cut off or with zeros behind.
    pub(crate) fn sized(mut self, length: usize) -> Self {
        self.0.resize(length, 0);
        self
    }

    /// The same with more behind.
    pub(crate) fn and(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// qcow2 of version 3 with clusters of 64 KiB.
pub(crate) fn qcow2() -> DiskFile {
    let file = DiskFile::zeros(4 * 64 * KIB)
        .with(0, b"QFI\xfb")
        .with(4, &3_u32.to_be_bytes())
        .with(20, &16_u32.to_be_bytes())
        .with(24, &SIZE.to_be_bytes())
        .with(36, &1_u32.to_be_bytes()) // entries of the L1 table
        .with(40, &0x3_0000_u64.to_be_bytes())
        .with(48, &0x1_0000_u64.to_be_bytes()) // table of reference counts
        .with(56, &1_u32.to_be_bytes())
        .with(96, &4_u32.to_be_bytes()) // reference counts of 16 bits
        .with(100, &104_u32.to_be_bytes()) // length of the header
        .with(0x1_0000, &0x2_0000_u64.to_be_bytes());
    (0..4).fold(file, |file, cluster| {
        file.with(0x2_0000 + 2 * cluster, &1_u16.to_be_bytes())
    })
}

/// qcow2 of version 2: its header has 72 bytes.
pub(crate) fn qcow2_v2() -> DiskFile {
    qcow2().with(4, &2_u32.to_be_bytes()).with(72, &[0; 32])
}

/// qcow2 that names a backing file.
pub(crate) fn qcow2_backed(name: &str) -> DiskFile {
    let length = u32::try_from(name.len()).unwrap();
    qcow2()
        .with(8, &512_u64.to_be_bytes())
        .with(16, &length.to_be_bytes())
        .with(512, name.as_bytes())
}

/// qcow2 with these incompatible features.
pub(crate) fn qcow2_features(features: u64) -> DiskFile {
    qcow2().with(72, &features.to_be_bytes())
}

/// qcow2 whose data are in a file of that name.
pub(crate) fn qcow2_data_file(name: &str) -> DiskFile {
    let length = u32::try_from(name.len()).unwrap();
    qcow2_features(4)
        .with(104, &0x4441_5441_u32.to_be_bytes()) // extension: name of the data file
        .with(108, &length.to_be_bytes())
        .with(112, name.as_bytes())
}

/// QED.
pub(crate) fn qed() -> DiskFile {
    DiskFile::zeros(64 * KIB)
        .with(0, b"QED\0")
        .with(4, &(64 * 1024_u32).to_le_bytes())
        .with(48, &SIZE.to_le_bytes())
}

/// What a VMDK says of itself.
pub(crate) fn descriptor(kind: &str, extent: &str) -> String {
    format!(
        "# Disk DescriptorFile\nversion=1\nCID=0badcafe\nparentCID=ffffffff\n\
         createType=\"{kind}\"\n\n# Extent description\n{extent}\n\n\
         # The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = \"4\"\nddb.adapterType = \"ide\"\n"
    )
}

/// The extent of a VMDK that is all in one file.
pub(crate) const OWN_EXTENT: &str = "RW 2048 SPARSE \"disk.vmdk\"";

/// VMDK with a header, and a descriptor of at most 20 sectors.
pub(crate) fn vmdk_of(descriptor: &[u8]) -> DiskFile {
    DiskFile::zeros(64 * KIB)
        .with(0, b"KDMV")
        .with(4, &1_u32.to_le_bytes())
        .with(8, &3_u32.to_le_bytes())
        .with(12, &(SIZE / 512).to_le_bytes())
        .with(20, &128_u64.to_le_bytes()) // sectors of a grain
        .with(28, &1_u64.to_le_bytes()) // descriptor
        .with(36, &20_u64.to_le_bytes())
        .with(44, &512_u32.to_le_bytes()) // grains of a table
        .with(48, &21_u64.to_le_bytes())
        .with(56, &26_u64.to_le_bytes()) // directory of tables
        .with(64, &128_u64.to_le_bytes())
        .with(73, b"\n \r\n")
        .with(512, descriptor)
        .with(21 * 512, &22_u32.to_le_bytes())
        .with(26 * 512, &27_u32.to_le_bytes())
}

/// VMDK, monolithicSparse.
pub(crate) fn vmdk() -> DiskFile {
    vmdk_of(descriptor("monolithicSparse", OWN_EXTENT).as_bytes())
}

/// VMDK, streamOptimized, as VMware writes it: its valid header is at its end.
pub(crate) fn vmdk_footer() -> DiskFile {
    let file = vmdk_of(descriptor("streamOptimized", OWN_EXTENT).as_bytes())
        .with(4, &3_u32.to_le_bytes())
        .with(8, &0x3_0001_u32.to_le_bytes())
        .with(77, &1_u16.to_le_bytes());
    let footer = file.0[..512].to_vec();
    let mut marker = [0; 512];
    marker[12] = 3;
    file.with(56, &u64::MAX.to_le_bytes())
        .and(&marker)
        .and(&footer)
        .and(&[0; 512])
}

fn vhd_sum(bytes: &[u8]) -> [u8; 4] {
    (!bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>()).to_be_bytes()
}

/// The footer of a VHD: 2 fixed, 3 dynamic, 4 differencing.
pub(crate) fn vhd_footer(kind: u32) -> Vec<u8> {
    let data: u64 = if kind == 2 { u64::MAX } else { 512 };
    let footer = DiskFile::zeros(512)
        .with(0, b"conectix")
        .with(8, &2_u32.to_be_bytes())
        .with(12, &0x1_0000_u32.to_be_bytes())
        .with(16, &data.to_be_bytes())
        .with(28, b"qem2")
        .with(40, &SIZE.to_be_bytes())
        .with(48, &SIZE.to_be_bytes())
        .with(56, &[0, 30, 4, 17])
        .with(60, &kind.to_be_bytes());
    let sum = vhd_sum(&footer.0);
    footer.with(64, &sum).0
}

/// VHD with a copy of its footer in front.
pub(crate) fn vhd(kind: u32) -> DiskFile {
    let footer = vhd_footer(kind);
    let header = DiskFile::zeros(1024)
        .with(0, b"cxsparse")
        .with(8, &u64::MAX.to_be_bytes())
        .with(16, &1536_u64.to_be_bytes()) // table of blocks
        .with(24, &0x1_0000_u32.to_be_bytes())
        .with(28, &1_u32.to_be_bytes())
        .with(32, &0x20_0000_u32.to_be_bytes());
    let sum = vhd_sum(&header.0);
    DiskFile(footer.clone())
        .and(&header.with(36, &sum).0)
        .and(&[0xff; 512])
        .and(&footer)
}

/// VHD of the fixed kind: a disk, and a footer behind it.
pub(crate) fn vhd_fixed() -> DiskFile {
    DiskFile::zeros(64 * KIB).and(&vhd_footer(2))
}

/// Where the metadata of [`vhdx`] begin.
pub(crate) const VHDX_METADATA: usize = 1024 * KIB;
const VHDX_ITEMS: [(&str, u32); 2] = [
    ("3767a1ca36fa434db3b633f0aa44e76b", 0), // parameters
    ("2442a52f1bcd7648b2115dbed83bf4b8", 8), // size
];
/// GUID of the item that names a parent.
pub(crate) const VHDX_PARENT: &str = "2d5fd3a80bb34d45abf7d3d84834ab0c";

/// The bytes of a GUID.
pub(crate) fn guid(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..32).step_by(2).map(byte).collect()
}

/// An entry of a table of metadata.
pub(crate) fn vhdx_entry(id: &str, at: u32, length: u32) -> Vec<u8> {
    DiskFile(guid(id))
        .and(&at.to_le_bytes())
        .and(&length.to_le_bytes())
        .sized(32)
        .0
}

/// VHDX: region table, metadata, items.
pub(crate) fn vhdx() -> DiskFile {
    let at = VHDX_METADATA as u64;
    let file = DiskFile::default()
        .with(0, b"vhdxfile")
        .with(192 * KIB, b"regi")
        .with(192 * KIB + 8, &1_u32.to_le_bytes())
        .with(192 * KIB + 16, &guid("06a27c8b90479a4bb8fe575f050f886e"))
        .with(192 * KIB + 32, &at.to_le_bytes())
        .with(VHDX_METADATA, b"metadata")
        .with(VHDX_METADATA + 10, &2_u16.to_le_bytes())
        .with(VHDX_METADATA + 64 * KIB, &0x10_0000_u64.to_le_bytes())
        .with(VHDX_METADATA + 64 * KIB + 8, &SIZE.to_le_bytes());
    let entries = VHDX_ITEMS.iter().enumerate();
    entries.fold(file, |file, (number, (id, offset))| {
        let entry = vhdx_entry(id, 64 * 1024 + offset, 8);
        file.with(VHDX_METADATA + 32 * (number + 1), &entry)
    })
}

/// VDI: 1 dynamic, 2 static, 4 differencing.
pub(crate) fn vdi(kind: u32) -> DiskFile {
    DiskFile::zeros(KIB)
        .with(0, b"<<< a disk >>>\n")
        .with(0x40, &0xbeda_107f_u32.to_le_bytes())
        .with(0x44, &0x1_0001_u32.to_le_bytes())
        .with(0x48, &0x180_u32.to_le_bytes())
        .with(0x4c, &kind.to_le_bytes())
        .with(0x154, &0x200_u32.to_le_bytes()) // map of blocks
        .with(0x158, &0x400_u32.to_le_bytes()) // blocks
        .with(0x168, &512_u32.to_le_bytes())
        .with(0x170, &SIZE.to_le_bytes())
        .with(0x178, &0x10_0000_u32.to_le_bytes())
        .with(0x180, &1_u32.to_le_bytes())
        .with(0x188, &[7; 32]) // ids of the disk and of its snapshot
        .with(0x200, &u32::MAX.to_le_bytes())
}

/// LUKS with 64 KiB of payload.
pub(crate) fn luks(version: u16) -> DiskFile {
    DiskFile::zeros(128 * KIB)
        .with(0, b"LUKS\xba\xbe")
        .with(6, &version.to_be_bytes())
        .with(8, b"aes")
        .with(40, b"xts-plain64")
        .with(72, b"sha256")
        .with(104, &128_u32.to_be_bytes())
        .with(108, &64_u32.to_be_bytes())
}

/// ISO 9660 (`CD001`) or UDF (`NSR02`, `NSR03`) of 40 KiB.
pub(crate) fn iso(name: &[u8; 5]) -> DiskFile {
    DiskFile::zeros(40 * KIB)
        .with(32 * KIB, &[1])
        .with(32 * KIB + 1, name)
        .with(32 * KIB + 80, &20_u32.to_le_bytes())
        .with(32 * KIB + 128, &2048_u16.to_le_bytes())
}

/// A partition: kind, first sector, number of sectors.
pub(crate) fn partition(kind: u8, first: u32, sectors: u32) -> Vec<u8> {
    DiskFile(vec![0, 0, 2, 0, kind, 0xff, 0xff, 0xff])
        .and(&first.to_le_bytes())
        .and(&sectors.to_le_bytes())
        .0
}

/// The same file with a boot sector that has these partitions.
pub(crate) fn mbr(file: DiskFile, partitions: &[Vec<u8>]) -> DiskFile {
    let file = file.with(510, &[0x55, 0xaa]);
    let entries = partitions.iter().enumerate();
    entries.fold(file, |file, (number, entry)| {
        file.with(446 + 16 * number, entry)
    })
}

/// GPT behind its protective MBR.
pub(crate) fn gpt() -> DiskFile {
    mbr(DiskFile::zeros(64 * KIB), &[partition(0xee, 1, u32::MAX)]).with(512, b"EFI PART")
}
