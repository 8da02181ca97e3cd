"""Cinder's own XtremIO drivers, run by a Rust test.

Takes sections of a cinder.conf as one JSON argument, builds the driver of each as
cinder-volume does, and then calls what lines on stdin ask for: a JSON object with
`section`, `call`, `args` and `kwargs` a line, answered by one with `result`, or with
`error` (the exception's class) and `text`.
"""
import json
import os
import sys

from cinder import objects
from oslo_config import cfg
from oslo_utils import importutils

# The volume manager, which the drivers pull in, names them while it is imported.
objects.register_all()

from cinder.volume import configuration  # noqa: E402
from cinder.volume import manager  # noqa: E402


class Row(dict):
    """A row or object: the drivers use items and attributes alike."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name)


class NoImageCache:
    """The one database call that the drivers make."""

    def image_volume_cache_get_by_volume_id(self, context, volume_id):
        return None


def build(section):
    """What cinder-volume does between reading a section and taking requests."""
    options = configuration.Configuration(
        manager.volume_backend_opts, config_group=section)
    drv = importutils.import_object(
        options.volume_driver, configuration=options,
        host='ctl1@' + section)
    drv.db = NoImageCache()
    drv.do_setup(None)
    drv.check_for_setup_error()
    return drv


def answer(drivers, command):
    try:
        call = getattr(drivers[command['section']], command['call'])
        return {'result': call(*command['args'], **command['kwargs'])}
    except Exception as error:
        return {'error': type(error).__name__, 'text': str(error)}


def main():
    # Nothing that the drivers print can be taken for an answer.
    replies = os.fdopen(os.dup(1), 'w', buffering=1)
    os.dup2(2, 1)
    sections = json.loads(sys.argv[1])
    path = os.path.abspath('cinder.conf')
    with open(path, 'w') as file:
        for section, options in sections.items():
            file.write('[%s]\n' % section)
            for item in options.items():
                file.write('%s = %s\n' % item)
    cfg.CONF([], project='cinder', default_config_files=[path])
    drivers = {section: build(section) for section in sections}
    clients = {section: type(drv.client).__name__
               for section, drv in drivers.items()}
    replies.write(json.dumps({'result': clients}) + '\n')
    for line in sys.stdin:
        command = json.loads(line, object_hook=Row)
        replies.write(json.dumps(answer(drivers, command)) + '\n')


if __name__ == '__main__':
    main()
