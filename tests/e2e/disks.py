"""Content of images and volumes: made, read back over iSCSI by a host of its own, and compared.

That host is no part of what is tested: it has an initiator name that nobody else uses, is let in by
Cinder's attachments API like any compute host, and reads by libiscsi.
"""

import os
import random
from contextlib import contextmanager
from pathlib import Path

from process import run
from steps import check

MIB = 1 << 20
BLOCK = 4 * MIB


def make(path, size, parts, seed):
    """A sparse file of so many bytes with random data in `parts`, pairs of offset and length."""
    source = random.Random(seed)
    with open(path, "wb") as file:
        for offset, length in parts:
            file.seek(offset)
            file.write(source.randbytes(length))
        file.truncate(size)
    return path


def allocated(path):
    """Bytes that a file takes on the disk, holes left out."""
    return os.stat(path).st_blocks * 512


def blocks(path):
    """The blocks of a file, one by one, then empty ones without end."""
    with open(path, "rb") as file:
        while True:
            yield file.read(BLOCK)


def check_same(seen, wanted):
    """Every byte is as wanted; the longer of the two goes on with zeros."""
    for number, (one, other) in enumerate(zip(blocks(seen), blocks(wanted))):
        if not one and not other:
            return
        length = max(len(one), len(other))
        if one != other and one.ljust(length, b"\0") != other.ljust(length, b"\0"):
            check(False, f"{seen} differs from {wanted} between {number * 4} and {number * 4 + 4} MiB")


def qemu_img(*arguments, **options):
    """What a call of qemu-img says."""
    words = [str(a) for a in arguments]
    return run(["qemu-img", *words], f"qemu-img {' '.join(words)}", **options)


def converted(source, target, kind, *options):
    """A raw file in another format."""
    qemu_img("convert", "-f", "raw", "-O", kind, *options, source, target)
    return Path(target)


@contextmanager
def attached(fabric, volume, host="reader"):
    """The volume's LUN, attached to a host meanwhile, as qemu-img's options."""
    connector = fabric.connector(host, multipath=False)
    made = fabric.user.call("attachments.create", volume, connector, None)
    info = made["connection_info"]
    fabric.user.call("attachments.complete", made["id"])
    try:
        check(info["target_lun"] < 256, f"LUN {info['target_lun']} would have to be encoded")
        yield ",".join([
            "driver=iscsi", "transport=tcp", f"portal={info['target_portal']}",
            f"target={info['target_iqn']}", f"lun={info['target_lun']}",
            f"initiator-name={connector['initiator']}",
        ])
    finally:
        fabric.user.call("attachments.delete", made["id"])
        fabric.lab.admin.wait("volume", volume, "available")


def read(lun, target):
    """Every byte of an attached volume, in a raw file."""
    qemu_img("convert", "-W", "-m", 16, "--image-opts", "-O", "raw", lun, target)
    return target


def write(lun, source):
    """Puts a raw file on an attached volume."""
    qemu_img("convert", "-n", "-W", "-m", 16, "-f", "raw", "--target-image-opts", source, lun)
