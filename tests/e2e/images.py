"""Images to volumes and volumes to images, byte by byte, under a real Glance.

What is on a volume is read back over iSCSI by a host of its own (`disks`), and looked at in the
array's own file. Bytes move over iSCSI only: this machine has no Fibre Channel.
"""

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import cloud
import hostile
from control_plane import log_in
from disks import MIB, allocated, attached, check_same, converted, make, qemu_img, read, write
from process import LabError, wait_until
from settings import ADMIN_PASSWORD
from steps import Steps, check

step = Steps("images: Glance's images to volumes, volumes to images, every byte compared")
GIB = 1 << 30
BACKEND = "xtremio-iscsi"
PROPERTIES = {"os_distro": "lab", "hw_disk_bus": "scsi"}
SECRET = b"what only this host may know"
# name and disk_format: what is asked of Cinder, and qemu-img's word for it
FORMATS = {"raw": "raw", "qcow2": "qcow2", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc", "vhdx": "vhdx"}


def upload(lab, path, name, kind, *more):
    """Gives Glance a file by the openstack client; the image's id."""
    words = [w for key, value in PROPERTIES.items() for w in ("--property", f"{key}={value}")]
    made = lab.admin.openstack(
        "image", "create", "--file", str(path), "--disk-format", kind, "--container-format",
        "bare", *words, *more, name, "-f", "json",
    )
    lab.images.append(made["id"])
    return made["id"]


def upload_unseen(lab, path, name, kind):
    """The same for an image that came before Glance looked into them; the image's id."""
    # it leaves in peace what is told to be of a format that it does not know
    ident = upload(lab, path, name, "ploop")
    lab.plane.mariadb.query(
        f"UPDATE images SET disk_format = '{kind}' WHERE id = '{ident}'", "glance"
    )
    return ident


def image(lab, ident, method="GET"):
    """What Glance tells of an image, None when it is gone."""
    if not hasattr(lab, "glance_token"):
        lab.glance_token = log_in(lab.admin.auth_url, "admin", ADMIN_PASSWORD, "admin")
    request = urllib.request.Request(
        f"{lab.plane.settings.url('glance')}/v2/images/{ident}", method=method,
        headers={"X-Auth-Token": lab.glance_token},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
    except urllib.error.HTTPError as refusal:
        check(refusal.code == 404, f"{method} image {ident}: {refusal}")
        return None
    return json.loads(text) if text else {}


def drop(lab, *idents):
    """Takes images away."""
    for ident in idents:
        image(lab, ident, "DELETE")
        lab.images.remove(ident)


def no_work_files(lab):
    """No bytes of an image are left where the volume host works on them."""
    left = cloud.work_files(lab.plane)
    check(not left, f"left of a copy: {left}")


def ask_upload(lab, volume, name, kind="raw", force=False):
    """Asks for an image of a volume; its id."""
    ask = {"image_name": name, "disk_format": kind, "container_format": "bare", "force": force}
    body = lab.admin.expect(
        202, "POST", f"/volumes/{volume}/action", {"os-volume_upload_image": ask}
    )
    lab.images.append(body["os-volume_upload_image"]["image_id"])
    return lab.images[-1]


def fetched(lab, ident, kind):
    """An image, by the openstack client, then as a raw file."""
    path = lab.folder / f"fetched-{ident}"
    lab.admin.openstack("image", "save", "--file", str(path), ident)
    if kind == "raw":
        return path
    flat = path.with_suffix(".raw")
    qemu_img("convert", "-f", kind, "-O", "raw", path, flat)
    path.unlink()
    return flat


def on_volume(lab, volume, wanted, size):
    """The volume has these bytes, then zeros, by its LUN and by the array's file."""
    with attached(lab.iscsi, volume) as lun:
        seen = read(lun, lab.folder / "read-back")
    check(seen.stat().st_size == size * GIB, f"{seen.stat().st_size} bytes at the LUN")
    check_same(seen, wanted)
    check_same(lab.xms.disk(volume), wanted)
    seen.unlink()


@step("a volume host with a way to the bytes; random data, in a raw file and in a qcow2")
def start(lab):
    lab.ready()
    lab.iscsi, lab.images = lab.fabrics[BACKEND], []
    lab.folder = lab.plane.folder("images")
    # not a whole number of GiB, nor of sectors of 4 KiB; holes at the beginning, inside and at the end
    lab.raw = make(lab.folder / "raw", 200 * MIB + 1536, [
        (MIB, 24 * MIB), (120 * MIB, 3 * MIB + 512), (200 * MIB + 512, 1024)], "raw")
    lab.source = make(lab.folder / "source", GIB, [
        (0, 16 * MIB), (500 * MIB + 4096, 8 * MIB), (GIB - MIB, MIB)], "qcow2")
    lab.qcow2 = converted(lab.source, lab.folder / "qcow2", "qcow2")
    lab.contents = {"raw": lab.raw, "qcow2": lab.source}


@step("openstack image create, openstack volume create --image: raw and qcow2, side by side")
def from_images(lab):
    with ThreadPoolExecutor(2) as pool:
        kinds = ("raw", "qcow2")
        tasks = [pool.submit(upload, lab, getattr(lab, kind), kind, kind) for kind in kinds]
        lab.by_kind = {kind: task.result() for kind, task in zip(kinds, tasks, strict=True)}
    for kind, size in (("raw", 1), ("qcow2", 2)):
        made = lab.admin.openstack(
            "volume", "create", "--type", BACKEND, "--size", str(size), "--image",
            lab.by_kind[kind], f"from-{kind}", "-f", "json",
        )
        lab.iscsi.volumes[kind] = made["id"]
        if lab.kind == "python":
            # its driver lets the second of two fail that are the first at an array
            lab.admin.wait("volume", made["id"], "available", 300)
    for kind in kinds:
        lab.admin.wait("volume", lab.iscsi.volumes[kind], "available", 300)
        lab.iscsi.mapped(lab.iscsi.volumes[kind])
    no_work_files(lab)


@step("read back by another host: every byte of the image, then zeros to the end")
def read_back(lab):
    for kind, size in (("raw", 1), ("qcow2", 2)):
        on_volume(lab, lab.iscsi.volumes[kind], lab.contents[kind], size)


@step("what is a hole in the image takes no room on the array")
def sparse(lab):
    for kind, data in (("raw", 27), ("qcow2", 25)):
        used = allocated(lab.xms.disk(lab.iscsi.volumes[kind]))
        check(used < (data + 4) * MIB, f"{kind}: {used} bytes for {data} MiB of data")
        check(used >= data * MIB, f"{kind}: only {used} bytes for {data} MiB of data")


@step("bootable, with all that Glance knows of the image")
def properties(lab):
    for kind in ("raw", "qcow2"):
        told = image(lab, lab.by_kind[kind])
        wanted = {key: str(told[key]) for key in (
            "checksum", "container_format", "disk_format", "min_disk", "min_ram", "size", *PROPERTIES,
        )} | {"image_id": told["id"], "image_name": told["name"]}
        # it has none, and that is noted, too
        wanted["signature_verified"] = "False"
        shown = lab.admin.show("volume", lab.iscsi.volumes[kind])
        check(shown["bootable"] == "true", f"{shown}")
        seen = shown["volume_image_metadata"]
        check(wanted.items() <= seen.items(), f"{seen} lacks some of {wanted}")
        known = set(told) | set(wanted)
        check(set(seen) <= known, f"{set(seen) - known} is not of Glance")
        for key in set(seen) & (set(told) - {"size"}):
            check(seen[key] == str(told[key]), f"{key} is {seen[key]}, not {told[key]}")
        never = {"id", "name", "status", "owner", "visibility", "file", "schema", "tags", "self"}
        check(not set(seen) & never, f"{set(seen) & never} belongs to the image alone")


@step("a volume that is too small: refused by the API at once, or 'error' when its host sees it")
def too_small(lab):
    image_id = upload(lab, lab.raw, "for-two", "raw", "--min-disk", "2")
    body = {"volume": {"name": "small", "size": 1, "imageRef": image_id, "volume_type": BACKEND}}
    status, answer = lab.admin.rest("POST", "/volumes", body)
    check(status == 400 and "minDisk size 2GB" in json.dumps(answer), f"{status} {answer}")
    large = make(lab.folder / "large.raw", GIB + 512, [(0, MIB)], "large")
    # of which Glance did not note the virtual size: the API would go by that
    big = upload_unseen(lab, converted(large, lab.folder / "large.qcow2", "qcow2"), "large", "qcow2")
    refused(lab, big, "Image virtual size is 2GB and doesn't fit in a volume of size 1GB")
    drop(lab, image_id, big)


def refused(lab, image_id, words):
    """A volume of this image ends in 'error' for this reason; nothing of it stays anywhere."""
    log = lab.host.process.log
    seen = log.stat().st_size
    volume = lab.admin.create("refused", 1, imageRef=image_id, volume_type=BACKEND)
    shown = lab.admin.wait_any("volume", volume, ["error", "available"], 300)
    check(shown["status"] == "error", f"a volume was made of image {image_id}")
    with open(log, "rb") as file:
        file.seek(seen)
        said = file.read().decode(errors="replace")
    ways = [words] if isinstance(words, str) else words
    check(any(way in said for way in ways), f"the volume host said none of {ways} of {image_id}")
    print(f"           {words}: {lab.admin.messages(volume)}", flush=True)
    lab.iscsi.mapped(volume)
    disk = lab.xms.disk(volume)
    check(not disk or SECRET not in disk.read_bytes()[:64 * MIB], f"a secret is on volume {volume}")
    check(not disk or not allocated(disk), f"something of image {image_id} is on {volume}")
    no_work_files(lab)
    lab.delete_many([volume])


@step("hostile images, as they got into Glance before it looked into them: each is refused")
def hostile_images(lab):
    secret = lab.folder / "secret-01.raw"
    secret.write_bytes(SECRET * 40000)
    for what, (builder, kind, words) in hostile.IMAGES.items():
        path = builder(lab.folder, secret)
        ident = upload_unseen(lab, path, what, kind)
        try:
            refused(lab, ident, words)
        except Exception as why:
            raise LabError(f"{what}: {why}") from why
        drop(lab, ident)


@step("volume to image: every format; downloaded, they have every byte of the volume")
def to_images(lab):
    volume, wanted = lab.iscsi.volumes["raw"], lab.contents["raw"]
    made = {}
    for kind in FORMATS:
        made[kind] = ask_upload(lab, volume, f"as-{kind}", kind)
        lab.admin.wait("volume", volume, "available", 300)
        found = image(lab, made[kind])
        check(found["status"] == "active" and found["disk_format"] == kind, f"{kind}: {found}")
        # properties of the image that the volume was made of
        check(PROPERTIES.items() <= found.items(), f"{kind}: {found}")
    lab.iscsi.mapped(volume)
    no_work_files(lab)
    with ThreadPoolExecutor(3) as pool:
        tasks = {kind: pool.submit(fetched, lab, made[kind], FORMATS[kind]) for kind in made}
        for kind, task in tasks.items():
            check_same(task.result(), wanted)
            task.result().unlink()
    check(image(lab, made["raw"])["size"] == GIB, "a raw image is as long as its volume")
    drop(lab, *made.values())


@step("a volume of an image of a volume: the bytes go round")
def round_trip(lab):
    there = ask_upload(lab, lab.iscsi.volumes["qcow2"], "round", "qcow2")
    lab.admin.wait("volume", lab.iscsi.volumes["qcow2"], "available", 300)
    again = lab.iscsi.ask("round", 2, imageRef=there)
    lab.admin.wait("volume", again, "available", 300)
    on_volume(lab, again, lab.contents["qcow2"], 2)
    drop(lab, there)


@step("a volume in use: its image by force only; its own host keeps it meanwhile")
def in_use(lab):
    volume = lab.iscsi.create("in-use")
    mine = make(lab.folder / "mine", GIB, [(3 * MIB, 5 * MIB)], "mine")
    with attached(lab.iscsi, volume) as lun:
        write(lun, mine)
        ask = {"image_name": "unforced", "disk_format": "raw", "container_format": "bare"}
        lab.admin.expect(400, "POST", f"/volumes/{volume}/action", {"os-volume_upload_image": ask})
        made = ask_upload(lab, volume, "forced", "raw", force=True)
        lab.admin.wait("volume", volume, "in-use", 300)
        lab.iscsi.mapped(volume, "reader")
        check(image(lab, made)["status"] == "active", f"{image(lab, made)}")
        check_same(fetched(lab, made, "raw"), mine)
    drop(lab, made)
    lab.iscsi.mapped(volume)


@step("an upload of which the image is gone: the volume is available again, its owner told")
def gone(lab):
    volume = lab.iscsi.volumes["qcow2"]
    lab.xms.slow(400)
    made = ask_upload(lab, volume, "gone", "raw")
    drop(lab, made)
    lab.admin.wait("volume", volume, "available", 300)
    lab.xms.slow(0)
    said = wait_until("a user message", lambda: lab.admin.messages(volume), 30)
    check(said == ["copy volume to image:Failed to upload volume to image at backend."], f"{said}")
    check(image(lab, made) is None, "the image is there again")
    lab.iscsi.mapped(volume)
    no_work_files(lab)


@step("over Fibre Channel, which this machine has not: 'error' with a message, nothing is left")
def no_fabric(lab):
    if lab.kind == "python":
        return  # of that host the disks are files, whichever the protocol
    fabric = lab.fabrics["xtremio-fc"]
    volume = fabric.ask("no-fabric", 1, imageRef=lab.by_kind["raw"])
    lab.admin.wait_any("volume", volume, ["error"], 120)
    check(wait_until("a user message", lambda: lab.admin.messages(volume), 30), "no message")
    fabric.mapped(volume)
    no_work_files(lab)
    lab.delete_many([fabric.volumes.pop("no-fabric")])


@step("Glance by glance_api_servers in place of the catalog: another host, the same bytes")
def by_list(lab):
    lab.stop_host()
    lab.start_host(lab.kind, "[DEFAULT]\nglance_api_servers = " + lab.plane.settings.url("glance") + "\n")
    made = lab.iscsi.ask("by-list", 1, imageRef=lab.by_kind["raw"])
    lab.admin.wait("volume", made, "available", 300)
    on_volume(lab, made, lab.contents["raw"], 1)


@step("all deleted; nothing is left in the rows, on the array or of the images")
def nothing_left(lab):
    lab.delete_many(lab.iscsi.volumes.values())
    lab.iscsi.volumes.clear()
    drop(lab, *list(lab.images))
    cloud.nothing_left(lab)
    no_work_files(lab)
    # the next list begins with a host as it comes
    lab.stop_host()
