"""Tempest itself: its folder, the tests it has, and one sitting of some of them."""

import os
import subprocess
from pathlib import Path

from process import LabError, Process, run, tail
from settings import ini

HERE = Path(__file__).resolve().parent
WHAT = r"^tempest\.api\.volume\."


class Tempest:
    """One folder with configuration and stestr's own state; `venv` has Tempest in it."""

    def __init__(self, venv, services):
        self.venv, self.logs = Path(venv), services.state.logs
        self.folder = services.state.folder("tempest")
        self.conf = self.folder / "tempest.conf"
        self.environment = {
            "TEMPEST_CONFIG_DIR": str(self.folder),
            "TEMPEST_CONFIG": self.conf.name,
            "PYTHONWARNINGS": "ignore",
        }

    def configure(self, sections):
        """Writes the configuration."""
        self.conf.write_text(ini(sections))
        self.conf.chmod(0o600)

    def tests(self):
        """Names of all tests of the volume API, with their ids and tags."""
        self._command("stestr", "init")
        listed = self._command("tempest", "run", "--config-file", self.conf,
                               "--list-tests", "--regex", WHAT)
        found = [line for line in listed.splitlines() if line.startswith("tempest.api.volume.")]
        if not found:
            raise LabError(f"tempest lists no test of the volume API:\n{listed[-2000:]}")
        return found

    def _command(self, program, *arguments):
        return run([self.venv / "bin" / program, *arguments], f"{program} {arguments[0]}",
                   env={**os.environ, **self.environment}, cwd=self.folder)

    def sit(self, tests, results, workers):
        """Runs the tests; their results are in the file when this returns."""
        names = self.folder / "load-list"
        names.write_text("\n".join(tests) + "\n")
        log = self.logs / "tempest.out"
        end, start = os.pipe()
        reader = Process(
            "results", [self.venv / "bin/python", HERE / "stream.py", results, len(tests)],
            log, env={"PYTHONWARNINGS": "ignore"},
        )
        runner = Process(
            "tempest",
            [self.venv / "bin/tempest", "run", "--config-file", self.conf, "--subunit",
             "--load-list", names, "--concurrency", workers],
            log, env=self.environment, cwd=self.folder,
        )
        try:
            try:
                reader.start(stdin=end, stdout=1)
                runner.start(stdout=start)
            finally:
                os.close(end)
                os.close(start)
            runner.child.wait()
            # the reader ends with the last writer
            status = reader.child.wait(60)
        except subprocess.TimeoutExpired:
            raise LabError(f"results of the tests do not end\n{tail(log)}") from None
        finally:
            runner.kill()
            reader.kill()
        if status:
            raise LabError(f"stream.py ended with status {status}\n{tail(log)}")
