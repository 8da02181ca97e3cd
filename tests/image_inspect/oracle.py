"""What the inspectors of oslo.utils and Cinder say of files.

Reads one path a line, and answers one line of JSON each:
{"oslo": VERDICT, "cinder": VERDICT} with VERDICT {"format": ..., "size": ...} or
{"refused": why, "formats": [...]}.
"""

import json
import logging
import sys

from cinder.image import format_inspector as cinder_inspector
from oslo_utils.imageutils import format_inspector as oslo_inspector

logging.disable(logging.CRITICAL)


def oslo(path):
    formats = []
    try:
        with open(path, "rb") as file:
            wrapper = oslo_inspector.InspectWrapper(file)
            while wrapper.read(4096):
                pass
            wrapper.close()
        formats = sorted(str(found) for found in wrapper.formats)
        found = oslo_inspector.detect_file_format(path)
        found.safety_check()
        return {"format": str(found), "size": found.virtual_size}
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}", "formats": formats}


def cinder(path):
    try:
        found = cinder_inspector.detect_file_format(path)
        if not found.safety_check():
            return {"refused": "unsafe", "formats": [str(found)]}
        return {"format": str(found), "size": found.virtual_size}
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}", "formats": []}


for line in sys.stdin:
    path = line.rstrip("\n")
    print(json.dumps({"oslo": oslo(path), "cinder": cinder(path)}), flush=True)
