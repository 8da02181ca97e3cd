"""Entry points for gunicorn: wsgi:keystone(), wsgi:glance() and wsgi:cinder().

Each application reads sys.argv or the environment when it is built, and must see its own
configuration there, not gunicorn's arguments. CVX_ETC names the folder of all configuration.
"""

import os
import sys

ETC = os.environ["CVX_ETC"]


def keystone():
    sys.argv = ["keystone"]
    os.environ["OS_KEYSTONE_CONFIG_DIR"] = f"{ETC}/keystone"
    from keystone.server import wsgi

    return wsgi.initialize_public_application()


def glance():
    sys.argv = ["glance-api"]
    os.environ["OS_GLANCE_CONFIG_DIR"] = f"{ETC}/glance"
    from glance.common import wsgi_app

    return wsgi_app.init_app()


def cinder():
    sys.argv = ["cinder-api", "--config-file", f"{ETC}/cinder/cinder.conf"]
    from cinder.wsgi import wsgi

    return wsgi.initialize_application()
