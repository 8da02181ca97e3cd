"""Cinder's own locks, driven by JSON lines on stdin: one answer line for each command.

The folder of `[coordination] backend_url` and of `[oslo_concurrency] lock_path` is the argument.
Started by locks.rs, and killed.
"""
import json
import sys
import threading
import warnings

warnings.simplefilter('ignore')

from oslo_config import cfg  # noqa: E402

from cinder import coordination  # noqa: E402
from cinder import utils  # noqa: E402
import fasteners  # noqa: E402
from oslo_concurrency import lockutils  # noqa: E402, F401

CONF = cfg.CONF
# by name: locks that are held, and what ends a running `inside`
HELD = {}
LEAVE = {}


class Driver:
    """A driver without lock files of its own."""

    @staticmethod
    def clean_volume_file_locks(volume_id):
        pass


class Volume:
    def __init__(self, id):
        self.id = id


class Manager:
    """Methods locked as those of cinder's manager."""

    @coordination.synchronized('{volume.id}-delete_volume')
    def delete_volume(self, volume, entered, leave):
        entered.set()
        leave.wait()

    @coordination.synchronized('{volume_id}-{f_name}')
    def detach_volume(self, volume_id):
        return True


def path(name):
    return coordination.COORDINATOR.get_lock(name).name


def acquire(name):
    lock = coordination.COORDINATOR.get_lock(name)
    if lock.acquire(blocking=False):
        HELD[name] = lock
    return name in HELD


def release(name):
    return HELD.pop(name).release()


def fasten(path):
    """Locks a path by fasteners alone, and lets it go; says whether it could."""
    lock = fasteners.InterProcessLock(path)
    got = lock.acquire(blocking=False)
    if got:
        lock.release()
    return got


def enter(id):
    """Runs the decorated delete_volume up to its inside, however long that takes."""
    entered, LEAVE[id] = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=Manager().delete_volume, args=(Volume(id), entered, LEAVE[id]), daemon=True)
    thread.start()
    entered.wait()
    LEAVE[id].thread = thread


def leave(id):
    event = LEAVE.pop(id)
    event.set()
    event.thread.join()


def detach(id):
    return Manager().detach_volume(id)


def count(name, file, times):
    """Adds to the number in a file, which others do too."""
    lock = coordination.COORDINATOR.get_lock(name)
    for _ in range(times):
        with lock:
            with open(file) as old:
                number = int(old.read())
            with open(file, 'w') as new:
                new.write(str(number + 1))


def clean_volume(id):
    """What cinder's manager does after it has deleted a volume."""
    utils.clean_volume_file_locks(id, Driver)


def main():
    folder = sys.argv[1]
    CONF([], project='cinder', default_config_files=[])
    CONF.set_override('backend_url', 'file://' + folder, 'coordination')
    CONF.set_override('lock_path', folder, 'oslo_concurrency')
    coordination.COORDINATOR.start()
    print(json.dumps('ready'), flush=True)
    for line in sys.stdin:
        command, *args = json.loads(line)
        print(json.dumps(globals()[command](*args)), flush=True)


main()
