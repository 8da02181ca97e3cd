"""The real oslo.messaging and Cinder's RPC clients, driven by JSON lines on stdin.

Each command gets one answer line; what the servers hear is told by lines with `heard`. Options
of [oslo_messaging_rabbit] come as JSON in the second argument. Started by peer.rs, and killed.
"""
import json
import sys
import threading
import time
import warnings

warnings.simplefilter('ignore')

from oslo_config import cfg  # noqa: E402
import oslo_messaging as messaging  # noqa: E402

CONF = cfg.CONF
OUT = threading.Lock()


def say(**line):
    with OUT:
        print(json.dumps(line), flush=True)


def read_options():
    CONF(['--config-file', 'peer.conf'], project='cinder')


class Endpoint:
    """What a cinder-volume has, as far as these tests go."""

    target = messaging.Target(version='3.19')

    def hello(self, ctxt, text):
        say(heard=text)
        return 'python ' + text


class Peer:
    def __init__(self, url, rabbit):
        with open('peer.conf', 'w') as conf:
            conf.write('[DEFAULT]\ntransport_url = %s\ncontrol_exchange = openstack\n' % url)
            conf.write('[oslo_messaging_rabbit]\n')
            conf.writelines('%s = %s\n' % option for option in rabbit.items())
        read_options()
        self.transport = messaging.get_rpc_transport(
            CONF, allowed_remote_exmods=['cinder.exception'])
        self.servers = []

    def serve(self, host):
        """The two servers of a backend, as cinder's Service starts them."""
        plain = host.split('@')[0]
        for topic, server in (('cinder-volume', host), ('cinder-volume.' + host, plain)):
            target = messaging.Target(topic=topic, server=server)
            one = messaging.get_rpc_server(
                self.transport, target, [Endpoint()], executor='threading')
            one.start()
            self.servers.append(one)
        return None

    def client(self, target, **kwargs):
        client = messaging.get_rpc_client(self.transport, messaging.Target(version='3.0'))
        return client.prepare(**target, **kwargs)

    def cast(self, target, method, args):
        self.client(target).cast({}, method, **args)

    def call(self, target, method, args, timeout, monitor=None):
        return self.client(target, timeout=timeout, call_monitor_timeout=monitor).call(
            {'is_admin': True}, method, **args)

    def volume_api(self, method, args):
        """A call by cinder-api's own client, whose exceptions are Cinder's own."""
        # cinder registers options of the command line: only before they are read
        CONF.clear()
        from cinder import objects
        objects.register_all()
        from cinder import context
        from cinder import rpc
        from cinder.objects import base
        from cinder.volume import rpcapi
        read_options()
        rpc.init(CONF)
        # else it asks the database for the oldest service
        rpc.LAST_RPC_VERSIONS['cinder-volume'] = rpcapi.VolumeAPI.RPC_API_VERSION
        rpc.LAST_OBJ_VERSIONS['cinder-volume'] = base.OBJ_VERSIONS.get_current()
        ctxt = context.RequestContext('user', 'project', is_admin=True)
        if method == 'accept_transfer':
            args['volume'] = objects.Volume(ctxt, **args['volume'])
        return getattr(rpcapi.VolumeAPI(), method)(ctxt, **args)


def main():
    peer = Peer(sys.argv[1], json.loads(sys.argv[2]))
    say(ready=True)
    for line in sys.stdin:
        command = json.loads(line)
        began = time.monotonic()
        try:
            result = getattr(peer, command.pop('do'))(**command)
            say(result=result, seconds=time.monotonic() - began)
        except Exception as error:
            from oslo_messaging import RemoteError
            names = [c.__module__ + '.' + c.__name__ for c in type(error).__mro__]
            say(error=str(error), classes=names, seconds=time.monotonic() - began,
                remote=error.exc_type if isinstance(error, RemoteError) else None)


main()
