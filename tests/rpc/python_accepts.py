"""Reads what we put on the wire, one JSON object a line, with the real Cinder and oslo.messaging.

Each line has a `kind` and what that kind needs. Prints what is not accepted; the exit code is
the number of such lines (at most 100). Started by python.rs.
"""
import inspect
import json
import sys
import warnings

warnings.simplefilter('ignore')

from oslo_config import cfg  # noqa: E402
from oslo_messaging._drivers import common  # noqa: E402
from oslo_messaging._drivers import amqp  # noqa: E402

from cinder import objects  # noqa: E402

objects.register_all()

from cinder import context  # noqa: E402
from cinder import exception  # noqa: E402
from cinder.objects import base  # noqa: E402
from cinder.scheduler import host_manager  # noqa: E402
from cinder.scheduler import manager as scheduler_manager  # noqa: E402
from cinder.volume import manager as volume_manager  # noqa: E402

class HostManager(host_manager.HostManager):
    """The scheduler's cache of reports, without a database behind it."""

    def _update_backend_state_map(self, context):
        pass


cfg.CONF([], project='cinder')
SERIALIZER = base.CinderObjectSerializer()


def opened(body):
    return common.deserialize_msg(json.loads(body))


def same(got, expected, what):
    if got == expected:
        return
    if isinstance(got, dict) and isinstance(expected, dict):
        for key in sorted(set(got) | set(expected)):
            same(got.get(key, '<absent>'), expected.get(key, '<absent>'), what + '.' + key)
    raise AssertionError('%s: %r is not %r' % (what, got, expected))


def failure(line):
    """A reply with a failure: what a client raises, against what Cinder itself would raise."""
    reply = opened(line['body'])
    same(set(reply), {'result', 'failure', 'ending', '_msg_id', '_unique_id'}, 'keys')
    raised = common.deserialize_remote_exception(reply['failure'], ['cinder.exception'])
    if line['module'] == 'cinder.exception':
        real = getattr(exception, line['class'])
        assert isinstance(raised, real), type(raised).__mro__
        same(raised.code, line['code'], 'code')
        sent = json.loads(reply['failure'])
        same(str(raised).split('\n')[0], sent['message'], 'text')
        if line['template']:
            kwargs = {k: int(v) for k, v in sent['kwargs'].items() if k != 'code'}
            if real is exception.VolumeDriverException:
                kwargs = {'message': 7}
            made = real(**kwargs)
            same(sent['message'], str(made), 'text of the class')
            expected = {k: str(v) for k, v in made.kwargs.items() if k != 'message'}
            same({k: str(v) for k, v in sent['kwargs'].items()}, expected, 'kwargs')
            same(sent['args'], list(made.args), 'args')
    else:
        same(type(raised).__name__, line['class'], 'class')


def entity(line):
    """Objects inside arguments and results: read and written again by Cinder's serializer."""
    def plain(value):
        if isinstance(value, dict):
            # Reading a dictionary field counts as a change to Python.
            return {k: plain(v) for k, v in value.items() if not k.endswith('.changes')}
        return [plain(v) for v in value] if isinstance(value, list) else value

    got = SERIALIZER.deserialize_entity(None, json.loads(json.dumps(line['value'])))
    again = json.loads(json.dumps(SERIALIZER.serialize_entity(None, got), default=str))
    same(plain(again), plain(line['value']), 'entity')


def signature(line):
    """The parameters we check against those of the manager's method."""
    method = getattr(volume_manager.VolumeManager, line['method'])
    parameters = list(inspect.signature(method).parameters.values())[2:]
    got = [[p.name, p.default is inspect.Parameter.empty] for p in parameters]
    same(line['params'], got, 'parameters')


def request(line):
    """A request of ours: the peer's method takes its arguments, its context is understood."""
    message = opened(line['body'])
    received = amqp.unpack_context(message).to_dict()
    for key in ('msg_id', 'reply_q', 'client_timeout'):
        received.pop(key, None)
    ctxt = context.RequestContext.from_dict(received)
    got = ctxt.to_dict()
    # A zone is dropped or kept by release.
    for part in (got, received):
        part['timestamp'] = part['timestamp'][:26]
    same({k: got[k] for k in received}, received, 'context')
    same(set(received), set(got), 'context keys')
    args = {k: SERIALIZER.deserialize_entity(ctxt, v) for k, v in message['args'].items()}
    if line['service'] != 'scheduler':
        return
    target = scheduler_manager.SchedulerManager
    inspect.signature(getattr(target, message['method'])).bind(None, ctxt, **args)
    if message['method'] == 'update_service_capabilities':
        hosts = HostManager()
        stamp = scheduler_manager.timeutils.parse_strtime(args['timestamp'])
        hosts.update_service_capabilities(
            args['service_name'], args['host'], args['capabilities'],
            args['cluster_name'], stamp)
        known = hosts.service_states[args['host']]
        same(known['total_capacity_gb'], args['capabilities']['total_capacity_gb'], 'cached')


def main():
    kinds = {f.__name__: f for f in (failure, entity, signature, request)}
    bad, count = 0, {}
    for text in sys.stdin:
        line = json.loads(text)
        count[line['kind']] = count.get(line['kind'], 0) + 1
        try:
            kinds[line['kind']](line)
        except Exception as error:
            bad += 1
            print('%s: %s: %s' % (line['name'], type(error).__name__, error))
    print('checked', json.dumps(count, sort_keys=True))
    sys.exit(min(bad, 100))


main()
