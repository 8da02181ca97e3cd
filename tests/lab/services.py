#!/usr/bin/env python3
"""Runs a command with servers of its own beside it, on free loopback ports.

    services.py run [--with rabbit,mariadb,postgres] -- COMMAND [ARGUMENT...]

The command finds them by CVX_AMQP, CVX_RABBIT_API, CVX_AMQPS (with CVX_AMQPS_CA: client.pem,
client.key and other-ca.pem lie beside it), CVX_MARIADB and CVX_POSTGRES. State is in a temporary
folder and is gone afterwards; where the command failed, the logs are kept under
CVX_LOGS. Any number of runs fit side by side on one machine. Also a module: `Services`.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from databases import MariaDB, PostgreSQL
from process import LabError, State
from rabbitmq import RabbitMQ

ROOT = Path(__file__).resolve().parents[2]
KINDS = {kind.name: kind for kind in (RabbitMQ, MariaDB, PostgreSQL)}


class Interrupted(BaseException):
    """The run was asked to end by a signal."""


class Services:
    """The servers named, as a context: started on entry, stopped and wiped on exit."""

    def __init__(self, names):
        unknown = [name for name in names if name not in KINDS]
        if unknown:
            raise LabError(f"no service {', '.join(unknown)}: there are {', '.join(KINDS)}")
        self.names, self.state, self.running = names, None, {}

    def __enter__(self):
        self.state = State()
        try:
            self.running = {name: KINDS[name](self.state) for name in self.names}
            for service in self.running.values():
                service.start()
            for service in self.running.values():
                service.wait()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, _value, _trace):
        for service in self.running.values():
            service.close()
        if kind is not None:
            self.keep_logs()
        self.state.remove()

    def __getitem__(self, name):
        return self.running[name]

    def exports(self):
        """The environment variables that tests read."""
        found = {}
        for service in self.running.values():
            found.update(service.exports())
        return found

    def keep_logs(self):
        """Saves the logs of a failed run and says where."""
        kept = self.state.keep_logs(os.environ.get("CVX_LOGS", ROOT / "target" / "lab-logs"))
        print(f"services: logs kept in {kept}", file=sys.stderr, flush=True)


def end_by_exception():
    """Makes SIGTERM, SIGINT and SIGHUP unwind the stack, so that every context cleans up.

    Only the first one does: the clean-up, which is bounded, is not to be torn in turn.
    """
    seen = []

    def handler(number, _frame):
        seen.append(number)
        if len(seen) == 1:
            raise Interrupted(signal.Signals(number).name)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handler)


def run_command(command, env):
    """Runs the command in a group of its own, which never outlives this call."""
    child = subprocess.Popen(command, env={**os.environ, **env}, start_new_session=True)
    try:
        return child.wait()
    finally:
        try:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait(30)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def main():
    """The command line; exit status is the command's, 70 when a server did not start."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["run"])
    parser.add_argument("--with", dest="names", default=",".join(KINDS))
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    end_by_exception()
    status = 1
    try:
        began = time.monotonic()
        with Services(args.names.split(",")) as services:
            print(f"services: {args.names} ready after {time.monotonic() - began:.1f} s", flush=True)
            status = run_command(args.command, services.exports())
            if status:
                services.keep_logs()
    except Interrupted as why:
        print(f"services: ended by {why}", file=sys.stderr)
        status = 130
    except LabError as why:
        print(f"services: {why}", file=sys.stderr)
        status = 70
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
