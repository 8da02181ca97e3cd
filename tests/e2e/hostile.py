"""Images that would make a careless volume host give its own files away, or do something else unheard of.

Each is named with the format that Glance tells of it and with the words by which it is refused.
"""

import struct
from pathlib import Path

from disks import MIB, converted, qemu_img
from steps import check

UNSAFE = "failed safety check"
OTHER = "the image data appears to be in a different format"


def backed(folder, secret):
    """A qcow2 whose lower layer is a file of the host."""
    return _made(folder / "backed", "qcow2", "-u", "-b", secret, "-F", "raw")


def data_file(folder, secret):
    """A qcow2 whose data are in a file of the host."""
    path = folder / "data-file"
    own = folder / "data-file.raw"
    _made(path, "qcow2", "-o", f"data_file={own},data_file_raw=on")
    own.unlink()
    text = path.read_bytes()
    name, other = str(own).encode(), str(secret).encode()
    check(len(name) == len(other), f"a name must be as long as {own}: {secret}")
    path.write_bytes(text.replace(name, other))
    return path


def flat(folder, secret):
    """A VMDK that says of a file of the host that it is its extent."""
    path = folder / "flat"
    text = (
        "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
        f'createType="monolithicFlat"\n\n# Extent description\nRW 2048 FLAT "{secret}" 0\n\n'
        '# The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = "4"\nddb.adapterType = "ide"\n'
    )
    path.write_text(text.ljust(1024, "\n"))
    return path


def unknown_feature(folder, _secret):
    """A qcow2 with a feature that nobody knows, and that must be known to read it."""
    path = _made(folder / "unknown-feature", "qcow2")
    text = bytearray(path.read_bytes())
    text[72:80] = struct.pack(">Q", struct.unpack(">Q", text[72:80])[0] | 1 << 40)
    path.write_bytes(text)
    return path


def plain(folder, _secret):
    """An honest qcow2, said to be something else."""
    source = folder / "plain.raw"
    source.write_bytes(bytes(MIB))
    return converted(source, folder / "plain", "qcow2")


def _made(path, kind, *options):
    qemu_img("create", "-q", "-f", kind, *options, path, "64M")
    return Path(path)


# what it is: (who makes it, the format that is told of it, the words of the refusal: Python's
# inspector takes a lone VMDK descriptor for raw data, a stricter one need not)
IMAGES = {
    "qcow2 over a file of the host": (backed, "qcow2", UNSAFE),
    "the same, told to be raw": (backed, "raw", UNSAFE),
    "qcow2 with its data in a file of the host": (data_file, "qcow2", UNSAFE),
    "VMDK with a file of the host as extent": (flat, "vmdk", (UNSAFE, OTHER)),
    "qcow2 with an unknown feature": (unknown_feature, "qcow2", UNSAFE),
    "qcow2, told to be raw": (plain, "raw", OTHER),
    "qcow2, told to be a VMDK": (plain, "vmdk", OTHER),
}
