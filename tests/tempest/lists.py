"""Which tests are run: all of tempest.api.volume less those that the lists leave out."""

from pathlib import Path

from process import LabError

PREFIX = "tempest.api.volume."
FOLDER = Path(__file__).resolve().parent / "lists"
ALWAYS = ("other-services",)
# Python's host gets these, too: its commands are built, and its disks are reached without a fabric
OURS_ONLY = ("unbuilt",)
OURS_BY_PROTOCOL = {"fc": ("fibre-channel",), "iscsi": ()}


def lists_for(host, protocol):
    """Names of the lists by which tests are left out for this host and protocol."""
    return ALWAYS + OURS_ONLY + OURS_BY_PROTOCOL[protocol] if host == "ours" else ALWAYS


def read(name, folder=FOLDER):
    """{class or test: reason} of one list."""
    entries = {}
    for number, line in enumerate((folder / f"{name}.txt").read_text().splitlines(), start=1):
        entry, _, reason = (part.strip() for part in line.partition("#"))
        if entry and not reason:
            raise LabError(f"{name}.txt line {number}: no reason is given for {entry}")
        if entry:
            entries[PREFIX + entry] = reason
    return entries


def bare(test):
    """The name without Tempest's `[id-...,tags]`."""
    return test.partition("[")[0]


def select(tests, lists):
    """Splits tests by {list: entries}: (to run, {list: {test: reason}}).

    An entry that leaves nothing out is a fault: what it named has gone or was misspelt.
    """
    left_out = {name: {} for name in lists}
    run, used = [], set()
    for test in sorted(tests):
        name = bare(test)
        parts = (name, name.rpartition(".")[0])
        found = [(where, entry) for where, entries in lists.items()
                 for entry in parts if entry in entries]
        used.update(found)
        if found:
            where, entry = found[0]
            left_out[where][name] = lists[where][entry]
        else:
            run.append(test)
    idle = [f"{where}.txt: {entry}" for where, entries in lists.items()
            for entry in entries if (where, entry) not in used]
    if idle:
        raise LabError("these entries leave no test out:\n" + "\n".join(idle))
    return run, left_out
