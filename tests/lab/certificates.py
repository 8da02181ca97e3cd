"""Certificates of one run: an authority, a server, a client, and strangers of each kind."""

import subprocess

from process import LabError

# Without a file of its own openssl reads the machine's, whose extensions differ by release.
CONFIG = "[req]\ndistinguished_name = name\n[name]\n"


def make(folder):
    """Fills `folder`: ca, server, client; other-ca and other-client, whom nobody trusts."""
    folder.mkdir()
    (folder / "openssl.cnf").write_text(CONFIG)
    _issue(folder, "ca", None, ["basicConstraints=critical,CA:TRUE"])
    _issue(folder, "other-ca", None, ["basicConstraints=critical,CA:TRUE"])
    server = ["subjectAltName=DNS:localhost,IP:127.0.0.1", "extendedKeyUsage=serverAuth"]
    _issue(folder, "server", "ca", server)
    _issue(folder, "client", "ca", ["extendedKeyUsage=clientAuth"])
    _issue(folder, "other-client", "other-ca", ["extendedKeyUsage=clientAuth"])


def _issue(folder, name, issuer, extensions):
    command = ["openssl", "req", "-x509", "-config", "openssl.cnf", "-days", "2", "-nodes"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-subj", f"/CN=test {name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"]
    if issuer:
        command += ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"]
        extensions = ["basicConstraints=critical,CA:FALSE", *extensions]
    for extension in extensions:
        command += ["-addext", extension]
    try:
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as why:
        raise LabError("no openssl: run tests/lab/install.sh") from why
    if made.returncode:
        raise LabError(f"openssl made no certificate {name}: {made.stderr}")
