"""Results of tests as they end: subunit on stdin, one JSON object a line appended to a file.

    stream.py FILE TOTAL

Runs in Tempest's environment. A line is on disk before the next result is read, so that a run
that breaks off has lost none. Every failure is told at once, and now and then how far it is.
"""

import json
import sys
import time

import subunit
import testtools

QUIET_SECONDS = 20
STATUS = {"success": "passed", "xfail": "passed", "skip": "skipped"}


class Sink:
    """Takes what testtools makes of the stream."""

    def __init__(self, path, total):
        self.file, self.total = open(path, "a", encoding="utf-8"), total
        self.count = {"passed": 0, "failed": 0, "skipped": 0}
        self.began = self.told = time.monotonic()

    def __call__(self, test):
        # `exists` only announces; what is not a test is the runner's own output
        if test["status"] == "exists" or "." not in test["id"]:
            return
        status = STATUS.get(test["status"], "failed")
        start, end = test["timestamps"]
        line = {
            "test": test["id"].partition("[")[0],
            "status": status,
            "seconds": round((end - start).total_seconds(), 1) if start and end else None,
        }
        if status != "passed":
            line["reason"] = reason(test["details"])
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        self.tell(status, line)

    def tell(self, status, line):
        self.count[status] += 1
        now = time.monotonic()
        if status == "failed":
            last = (line["reason"].splitlines() or ["no reason"])[-1]
            print(f"  FAILED {line['test']}: {last[:300]}", flush=True)
        elif now - self.told > QUIET_SECONDS:
            self.told = now
            done = sum(self.count.values())
            print(f"  {now - self.began:6.1f} s  {done} of {self.total}: "
                  + ", ".join(f"{n} {what}" for what, n in self.count.items()), flush=True)


def reason(details):
    """Why a test was skipped or failed: the reason given, or the end of each trace."""
    texts = {name: content.as_text() for name, content in details.items()
             if content.content_type.type == "text"}
    if told := texts.get("reason", "").strip():
        return told
    traces = [text for name, text in texts.items() if "traceback" in name]
    lines = [line for text in traces for line in text.strip().splitlines()[-12:] if line.strip()]
    return "\n".join(lines)[:4000] or f"no trace; details: {sorted(details)}"


def main():
    """Reads to the end of the stream."""
    case = subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name="stdout")
    result = testtools.StreamToDict(Sink(sys.argv[1], int(sys.argv[2])))
    result.startTestRun()
    case.run(result)
    result.stopTestRun()


if __name__ == "__main__":
    main()
