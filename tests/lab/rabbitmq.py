"""A RabbitMQ broker of its own: loopback ports, node name, cookie, epmd and state."""

import base64
import signal
import urllib.error
import urllib.request

import certificates
from process import Process, answers, free_port, wait_until

BIN = "/usr/lib/rabbitmq/bin"


class RabbitMQ:
    """start, stop, restart of one broker; `amqp` and `api` are its addresses."""

    name = "rabbit"

    def __init__(self, state):
        self.state = state.folder("rabbit")
        self.logs = state.logs
        self.port, self.api_port, self.tls_port = free_port(), free_port(), free_port()
        self.certificates = self.state / "tls"
        self.epmd_port, self.dist_port = free_port(), free_port()
        self.amqp = f"amqp://guest:guest@127.0.0.1:{self.port}"
        self.amqps = f"amqps://guest:guest@127.0.0.1:{self.tls_port}"
        self.api = f"http://guest:guest@127.0.0.1:{self.api_port}"
        self.login = "Basic " + base64.b64encode(b"guest:guest").decode()
        self.env = self._environment()
        self.epmd = Process(
            "epmd",
            ["epmd", "-port", self.epmd_port],
            self.logs / "epmd.log",
            env={"ERL_EPMD_ADDRESS": "127.0.0.1"},
        )
        self.node = Process(
            "rabbit", [f"{BIN}/rabbitmq-server"], self.logs / "rabbit.log", env=self.env
        )

    def _environment(self):
        certificates.make(self.certificates)
        (self.state / "enabled_plugins").write_text("[rabbitmq_management].\n")
        (self.state / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}\n"
            # an address that the certificate does not name
            f"listeners.ssl.2 = 127.0.0.2:{self.tls_port}\n"
            f"ssl_options.cacertfile = {self.certificates}/ca.pem\n"
            f"ssl_options.certfile = {self.certificates}/server.pem\n"
            f"ssl_options.keyfile = {self.certificates}/server.key\n"
            "ssl_options.verify = verify_peer\n"
            "ssl_options.fail_if_no_peer_cert = false\n"
            "management.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {self.api_port}\n"
            # tests look at queues and connections through the management API, whose view is
            # otherwise up to 5 s old
            "collect_statistics_interval = 500\n"
            "management.sample_retention_policies.global.minute = 1\n"
            "management.sample_retention_policies.basic.minute = 1\n"
            "management.sample_retention_policies.detailed.minute = 1\n"
            "disk_free_limit.absolute = 200MB\n"
        )
        (self.state / "env.conf").write_text("")
        cookie = self.state / ".erlang.cookie"
        cookie.write_text("cinder-volume-xtremio-tests")
        cookie.chmod(0o400)
        at = str(self.state)
        return {
            "HOME": at,
            "RABBITMQ_CONF_ENV_FILE": f"{at}/env.conf",
            "RABBITMQ_CONFIG_FILE": f"{at}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{at}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{at}/enabled_plugins",
            "RABBITMQ_NODENAME": f"cvx{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_MNESIA_BASE": f"{at}/mnesia",
            "RABBITMQ_LOG_BASE": str(self.logs / "rabbit"),
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{at}/config",
            "RABBITMQ_PID_FILE": f"{at}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} "
            # two cores are shared by everything here: idle schedulers must not spin
            "+sbwt none +sbwtdcpu none +sbwtdio none",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def exports(self):
        """What tests find it by."""
        return {
            "CVX_AMQP": self.amqp,
            "CVX_RABBIT_API": self.api,
            "CVX_AMQPS": self.amqps,
            "CVX_AMQPS_CA": str(self.certificates / "ca.pem"),
        }

    def start(self):
        """Starts the broker without waiting for it."""
        if not self.epmd.running():
            self.epmd.start()
            wait_until("epmd", lambda: answers(self.epmd_port), 20, self.epmd)
        self.node.start()

    def wait(self):
        """Waits until broker and management API answer."""
        wait_until("RabbitMQ", lambda: answers(self.port), 120, self.node)
        wait_until("RabbitMQ's management API", self._healthy, 60, self.node)

    def _healthy(self):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api_port}/api/health/checks/local-alarms",
            headers={"Authorization": self.login},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def stop(self):
        """A clean stop that keeps durable state for the next start."""
        self.node.stop(60)

    def kill(self):
        """Ends it at once."""
        self.node.kill()

    def restart(self):
        """Stop, start, wait."""
        self.stop()
        self.start()
        self.wait()

    def tune(self, **terms):
        """Restarts with these settings of the application `rabbit`, and no others."""
        settings = ", ".join(f"{{{name}, {value}}}" for name, value in terms.items())
        (self.state / "advanced.config").write_text(f"[{{rabbit, [{settings}]}}].\n")
        self.restart()

    def close(self):
        """The end: broker and port mapper."""
        self.node.kill()
        self.epmd.stop(5, signal.SIGTERM)
