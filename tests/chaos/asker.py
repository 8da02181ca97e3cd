"""The harness's side of the publisher: what was asked, and how each request was answered."""

import json
import subprocess
import threading
import uuid
from pathlib import Path

from process import LabError, Process, wait_until

HERE = Path(__file__).resolve().parent


class Asker:
    """A publisher process; every request is remembered with its answer."""

    def __init__(self, stage, name):
        self.asked, self._answers, self._keys = {}, {}, 0
        self.process = Process(
            f"publisher-{name}",
            [stage.venv / "bin/python", HERE / "publisher.py", stage.cinder_conf],
            stage.services.state.logs / f"{name}-publisher.log",
            env={"PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def start(self):
        """Starts it; `ready` waits for it."""
        self.process.start(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def ready(self):
        wait_until("the publisher", lambda: "ready" in self._answers, 120, self.process)

    def _read(self):
        for line in self.process.child.stdout:
            try:
                answer = json.loads(line)
            except ValueError:  # something printed by a library
                continue
            self._answers[answer.pop("key")] = answer

    def send(self, command, **fields):
        """Sends a command without waiting; its key."""
        self._keys += 1
        key = str(self._keys)
        line = json.dumps({"key": key, "do": command, **fields}) + "\n"
        try:
            self.process.child.stdin.write(line.encode())
            self.process.child.stdin.flush()
        except OSError:
            raise LabError(f"the publisher ended\n{self.process.tail()}") from None
        return key

    def wait(self, keys, seconds=150):
        """The answers to these keys, once all are there."""
        keys = list(keys)
        wait_until(
            "answers of the publisher",
            lambda: all(key in self._answers for key in keys), seconds, self.process,
        )
        return [self._answers[key] for key in keys]

    def ask(self, kind, ident=None, tag="", **more):
        """Sends something whose end the checker judges; `more` says what ends are right.

        kind is a command of the publisher that changes something, or call; for a call `method` and `timeout` are in `more`. With
        `forget` the rows are made and the message is not sent.
        """
        fields = {"ident": ident} if ident else {}
        fields |= {name: more[name] for name in ("host", "method", "timeout", "size", "connector", "old") if name in more}
        key = self.send("forget" if more.get("forget") else kind, **fields)
        self.asked[key] = {"kind": kind, "id": ident, "tag": tag, **more}
        return key

    def record(self):
        """All that was asked, each with its answer; an unanswered one has none."""
        return [{**asked, "answer": self._answers.get(key)} for key, asked in self.asked.items()]

    def answered(self, keys):
        """How many of these have their answer."""
        return sum(key in self._answers for key in keys)

    def unanswered(self):
        """The requests without an answer yet."""
        return [key for key in self.asked if key not in self._answers]

    def prepare(self, rng, count, sizes=(1, 2, 3, 5)):
        """Rows for so many volumes whose ids and sizes the seed decides; [(id, size)]."""
        made = [
            (str(uuid.UUID(int=rng.getrandbits(128), version=4)), rng.choice(sizes))
            for _ in range(count)
        ]
        answers = self.wait([self.send("prepare", ident=i, size=s) for i, s in made])
        if failed := [a for a in answers if "failed" in a]:
            raise LabError(f"the publisher could not make rows: {failed[0]}")
        return made

    def prepare_one(self, rng, command="prepare", **fields):
        """Rows of one volume or snapshot whose id the seed decides; the id."""
        ident = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        (answer,) = self.wait([self.send(command, ident=ident, **fields)])
        if "failed" in answer:
            raise LabError(f"the publisher could not make rows: {answer}")
        return ident

    def heard(self):
        """What came to the scheduler's side."""
        return self.wait([self.send("heard")])[0]

    def stop(self):
        """The end, whether it still answers or not."""
        if self.process.child is None:
            return
        try:
            self.send("stop")
            self.process.child.stdin.close()
            self.process.child.wait(5)
        except (LabError, OSError, subprocess.TimeoutExpired):
            pass
        self.process.kill()
