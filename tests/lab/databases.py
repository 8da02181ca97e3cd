"""MariaDB and PostgreSQL servers of their own, tuned for tests: nothing is synced to disk."""

import glob
import shutil
import signal

from process import LabError, Process, free_port, run, wait_until

PASSWORD = "lab-database"


class MariaDB:
    """One MariaDB server; `url` logs in as its root over TCP."""

    name = "mariadb"

    def __init__(self, state):
        self.state, self.logs = state.folder("mariadb"), state.logs
        self.port = free_port()
        self.url = f"mysql://root:{PASSWORD}@127.0.0.1:{self.port}"
        self.data = self.state / "data"
        # in a folder that all share, two that are made at the same time meet with temporary
        # tables of the same names
        self.temporary = state.folder("mariadb/tmp")
        self.login = self.state / "client.cnf"
        self.login.write_text(
            f"[client]\nprotocol=tcp\nhost=127.0.0.1\nport={self.port}\nuser=root\n"
            f"password={PASSWORD}\n"
        )
        self.login.chmod(0o600)
        rights = self.state / "init.sql"
        rights.write_text(
            f"CREATE OR REPLACE USER 'root'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        self.server = Process(
            "mariadb",
            [
                "/usr/sbin/mariadbd",
                "--no-defaults",
                "--user=root",
                f"--datadir={self.data}",
                f"--tmpdir={self.temporary}",
                f"--socket={self.state}/socket",
                f"--pid-file={self.state}/pid",
                f"--port={self.port}",
                f"--init-file={rights}",
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--max-connections=500",
                "--character-set-server=utf8mb4",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-buffer-pool-size=256M",
                "--innodb-log-file-size=64M",
                "--innodb-doublewrite=0",
            ],
            self.logs / "mariadb.log",
        )

    def exports(self):
        """What tests find it by."""
        return {"CVX_MARIADB": self.url}

    def start(self):
        """Makes the data folder the first time and starts the server."""
        if not self.data.exists():
            # its root without a password is replaced by the one of init.sql at the first start
            run(
                ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={self.data}",
                 "--auth-root-authentication-method=normal", "--skip-test-db",
                 f"--tmpdir={self.temporary}",
                 "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=64M"],
                "mariadb-install-db",
            )
        self.server.start()

    def wait(self):
        """Waits until it answers a query."""
        wait_until("MariaDB", self._answers, 120, self.server)

    def _answers(self):
        try:
            return self.query("SELECT 1") == [["1"]]
        except LabError:
            return False

    def query(self, sql, database=None):
        """Runs statements; the rows of the last one as lists of text (NULL is 'NULL')."""
        command = ["mariadb", f"--defaults-file={self.login}", "-N", "-B", "-e", sql]
        out = run(command + ([database] if database else []), f"SQL: {sql[:200]}")
        return [line.split("\t") for line in out.splitlines()]

    def keep_commits(self):
        """From here on a commit survives kill(), which otherwise loses those of the last second."""
        lazy, kept = "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-log-at-trx-commit=2"
        self.server.command = [kept if part == lazy else part for part in self.server.command]
        self.query("SET GLOBAL innodb_flush_log_at_trx_commit = 2")

    def stop(self):
        """A clean stop that keeps the data for the next start."""
        self.server.stop(60)

    def kill(self):
        """Ends it at once."""
        self.server.kill()

    close = kill

    def restart(self):
        """Stop, start, wait."""
        self.stop()
        self.start()
        self.wait()


class PostgreSQL:
    """One PostgreSQL server; `url` logs in as its superuser over TCP."""

    name = "postgres"

    def __init__(self, state):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not found:
            raise LabError("PostgreSQL is not installed: run tests/lab/install.sh")
        self.bin = found[-1]
        self.state, self.logs = state.folder("postgres"), state.logs
        shutil.chown(self.state, "postgres")
        self.port = free_port()
        self.url = f"postgres://postgres:{PASSWORD}@127.0.0.1:{self.port}"
        self.data = self.state / "data"
        self.server = Process(
            "postgres",
            [
                f"{self.bin}/postgres",
                "-D", self.data,
                "-p", self.port,
                "-c", "listen_addresses=127.0.0.1",
                "-c", f"unix_socket_directories={self.state}",
                "-c", "fsync=off",
                "-c", "synchronous_commit=off",
                "-c", "full_page_writes=off",
                "-c", "max_connections=300",
            ],
            self.logs / "postgres.log",
            user="postgres",
            cwd=self.state,
        )

    def exports(self):
        """What tests find it by."""
        return {"CVX_POSTGRES": self.url}

    def start(self):
        """Makes the data folder the first time and starts the server."""
        if not self.data.exists():
            password = self.state / "password"
            password.write_text(PASSWORD)
            shutil.chown(password, "postgres")
            make = Process(
                "initdb",
                [f"{self.bin}/initdb", "-D", self.data, "-U", "postgres", "-A", "scram-sha-256",
                 f"--pwfile={password}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
                self.logs / "initdb.log",
                user="postgres",
                cwd=self.state,
            ).start()
            if make.child.wait(120):
                raise LabError(f"initdb failed\n{make.tail()}")
        self.server.start()

    def wait(self):
        """Waits until it takes connections."""
        wait_until("PostgreSQL", self._answers, 120, self.server)

    def _answers(self):
        try:
            run([f"{self.bin}/pg_isready", "-q", "-h", "127.0.0.1", "-p", self.port], "pg_isready")
            return True
        except LabError:
            return False

    def stop(self):
        """A fast, clean stop that keeps the data for the next start."""
        self.server.stop(60, signal.SIGINT)

    def kill(self):
        """Ends it at once."""
        self.server.kill()

    def close(self):
        """An immediate shutdown, which still gives back its shared memory."""
        self.server.stop(20, signal.SIGQUIT)

    def restart(self):
        """Stop, start, wait."""
        self.stop()
        self.start()
        self.wait()
