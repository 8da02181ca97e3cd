"""Writes what real oslo.config and oslo.messaging make of the inputs below.

Run with a Python that has oslo.config and oslo.messaging:

    python observe.py > observed.json

The Rust tests compare our reader with observed.json.
"""

import json
import os
import tempfile

from oslo_config import cfg
from oslo_messaging.transport import TransportURL

H = "[DEFAULT]\n"
D = cfg.DeprecatedOpt
KINDS = {
    "str": lambda: cfg.StrOpt("a", deprecated_opts=[D("old"), D("older", group="x")]),
    "bool": lambda: cfg.BoolOpt("a"),
    "int": lambda: cfg.IntOpt("a", min=-5),
    "float": lambda: cfg.FloatOpt("a"),
    "port": lambda: cfg.PortOpt("a", min=1),
    "list": lambda: cfg.ListOpt("a"),
    "multi": lambda: cfg.MultiStrOpt("a"),
}

TEXTS = [
    "a = 1", "a: 1", "a=1:2", "a:1=2", 'a = "q"', "a = 'q'", 'a = "q', 'a = ""', 'a = "', "a = x # c",
    "a =", "a", "= 1", " a = 1", "\ta = 1", "a = 1\n b\n  c", "a = 1\n\n b", "a =\n b\n c", "a = 1\n# c\n b",
    "a = 1\na = 2", "A = 1", "a-b = 1", "a = 1 \t", "a = \u00a0x\u00a0", 'a = "x\n y"', "a = 1\n ; c\n # d",
    "a = $b\nb=2", "a = ${b}x\nb=2", "a = $b.\nb=2", "a = $$b", "a = \\$b", "a = \\$$b\nb=2", "a = $", "a = $1",
    "a = ${", "a = ${}", "a = ${b\nb=2", "a = $nope", "a = ${nope}", "a = x$bs\nb=2", "a = $x.c\n[x]\nc=3",
    "a = ${x.c}z\n[x]\nc=3", "a = $DEFAULT.b\nb=5", "a = $a", "a = $b\nb = $c2\nc2=7", 'a = "$b"\nb=2', "a = $B\nb=2",
    "a = $nope.x", "a = $x.nope\n[x]\nc=3", "a = $b$b\nb=$$\n", "a = 100% $$ \u00fc",
]
RAW = [
    "a=1", "[default]\na=1", "[DEFAULT\na=1", "[]\na=1", "[DEFAULT] \na=1", "[DEFAULT]x\na=1", "[Default]\na=1",
    "\ufeff[DEFAULT]\na=1", "; c\n[DEFAULT]\na=1\r\n", "[]]\na=1", "# x\n  \n[DEFAULT]\na=1", "[DEFAULT]\ra=1\r",
    "[X]\nolder=1", "[ x ]\nolder=1", "[x]\nolder=1\n[X]\nolder=2", "", "[DEFAULT]\n[x]\n[DEFAULT]\na=4",
]
FILES = [
    [H + "old=1\na=2"], [H + "a=2", H + "old=1"], ["[x]\nolder=4\n" + H + "old=1"], [H + "a=1", H + "a=2"],
    [H + "a=$b\nb=1", H + "b=2"], [H + "a=1", H + "b=2"],
]
VALUES = {
    "bool": ["yes", "ON", "1", "True", "t", "y", "2", "no", "Off", "FALSE", "0", " true"],
    "int": ["1", "+1", "-3", "-6", "1_0", "1__0", "_1", "0x10", "1.0", '"3"', "-0", "007", "abc", "1e3"],
    "float": ["1", "1e3", ".5", "1_0", "-1", "abc", "1.", "1,5"],
    "port": ["0", "1", "65535", "65536", "443"],
    "list": ["a,b", "a,,", ",,a", "a, ,", "a, b ,c", ",a,,b,", "", ",", '"a,b",c', "'a, b'", "[a,b]", "a\n b,\n c", 'a,"b c'],
}
ENV = [("str", H + "a=1", {"A": "e"}), ("str", "", {"A": "e"}), ("str", H + "old=1", {"OLD": "e"}),
       ("str", H + "b=3", {"A": "$b"}), ("str", H + "a=1", {"A": ""}), ("bool", H + "a=no", {"A": "On"}),
       ("list", "", {"A": "p, q"}), ("str", H + "a=$b\nb=1", {"B": "e"})]
URLS = [
    "rabbit://", "rabbit:///", "rabbit://h", "rabbit://h/", "rabbit://h/vh", "rabbit://h//", "rabbit://h/%2F",
    "rabbit://h/a/b", "rabbit://h/v%20h", "rabbit://h:", "rabbit://h:abc/", "rabbit://[::1]:5672/",
    "rabbit://[fe80::1]/", "rabbit://u@d:p@h/", "rabbit://u:p:q@h/", "rabbit://u:p%2Fq@h/",
    "rabbit://u:p@h1:1,h2:2/v", "rabbit://u:p@h1,u2:p2@h2/v", "rabbit://u@h/", "rabbit://:p@h/", "rabbit://u:@h/",
    "rabbit://@h/", "foo", "//h/", "RABBIT://h/", "rabbit://h/v?ssl=true", "rabbit://h?ssl=true&ssl=1",
    "rabbit://h,/v", "rabbit://,/v", "rabbit://::1/", "rabbit://[::1/", "rabbit://h:70000/", "rabbit://h:0/",
    "rabbit://u:p+q@h/v", "rabbit://u:p@H/", "rabbit://h/v?x", "rabbit://h/v?ssl=",
    "rabbit://h/v?hostname=%41+b", "rabbit://[::1]x/", "rabbit://u%40:p%3a@h/", "rabbit://u:p@/v",
    "rabbit://h:5672,h2/", "rabbit://h/v/", "rabbit://h/?heartbeat_timeout_threshold=30&rabbit_quorum_queue=true",
    "rabbit://u:p%zz@h/", "rabbit://u:p%C3%BC@h/", "rabbit://h/v#f",
]


def read(kind, files, env):
    conf = cfg.ConfigOpts()
    conf.register_opt(KINDS[kind]())
    for name in ("b", "c2"):
        conf.register_opt(cfg.StrOpt(name))
    conf.register_opt(cfg.StrOpt("c"), group="x")
    names = {"OS_DEFAULT__" + key: value for key, value in env.items()}
    os.environ.update(names)
    try:
        with tempfile.TemporaryDirectory() as top:
            args = []
            for index, text in enumerate(files):
                path = os.path.join(top, "%d.conf" % index)
                with open(path, "w", newline="") as out:
                    out.write(text)
                args += ["--config-file", path]
            conf(args, project="observe")
            return {"value": conf.a}
    except Exception as error:
        return {"error": type(error).__name__}
    finally:
        for name in names:
            del os.environ[name]


def options():
    cases = [("str", [H + text], {}) for text in TEXTS] + [("str", [text], {}) for text in RAW]
    cases += [("str", files, {}) for files in FILES]
    cases += [(kind, [H + "a = " + value], {}) for kind, values in VALUES.items() for value in values]
    cases += [("multi", [H + "a=1\na=2", H + "a=3"], {}), ("multi", [H + "a=1,2\n b"], {})]
    cases += [(kind, [text], env) for kind, text, env in ENV]
    for kind, files, env in cases:
        yield {"kind": kind, "files": files, "env": env, "result": read(kind, files, env)}


def urls():
    conf = cfg.ConfigOpts()
    conf([])
    for url in URLS:
        try:
            parsed = TransportURL.parse(conf, url)
        except Exception as error:
            yield {"url": url, "error": type(error).__name__}
            continue
        hosts = [[h.hostname, h.port, h.username, h.password] for h in parsed.hosts]
        yield {"url": url, "hosts": hosts, "vhost": parsed.virtual_host, "query": parsed.query}


print(json.dumps({"options": list(options()), "urls": list(urls())}, indent=1))
