"""Runs quota cases through the real Cinder 29 quota engine and records what the tables hold.

Usage: python quota_cases.py sqlite-9c74c1c6971f.sql > quota-cases.json
A case is a list of steps; `[volumes, gigabytes]` deltas, ids by step number.
"""
import json, os, sqlite3, sys, tempfile
dump = open(sys.argv[1]).read()
work = tempfile.mkdtemp(); path = os.path.join(work, 'c.sqlite')
conf = os.path.join(work, 'c.conf')
open(conf, 'w').write('[database]\nconnection = sqlite:///%s\n' % path)
sqlite3.connect(path).executescript(dump)
from oslo_config import cfg
from cinder import objects; objects.register_all()
from cinder import context, exception, quota
import cinder.volume  # noqa
cfg.CONF(['--config-file', conf], project='cinder')
CASES = {
    'missing rows are counted': [['reserve', 1, 3], ['commit', 0]],
    'double commit': [['reserve', 1, 3], ['commit', 0], ['commit', 0]],
    'commit after rollback': [['reserve', 1, 3], ['rollback', 0], ['commit', 0]],
    'negative': [['reserve', -1, -5], ['commit', 0]],
    'below zero': [['reserve', -5, -500], ['commit', 0]],
    'over quota': [['reserve', 1, 5000], ['reserve', 1, 2]],
    'over volumes': [['reserve', 9, 1]],
    'negative while positive is open': [['reserve', 2, 6], ['reserve', -1, -7], ['commit', 1], ['commit', 0]],
    'other project': [['reserve', 1, 3], ['commit other', 0]],
}
out = {}
for n, (name, steps) in enumerate(CASES.items()):
    project = 'project-%d' % n
    db = sqlite3.connect(path)
    for v, size in enumerate((5, 7)):
        db.execute("INSERT INTO volumes (deleted, id, project_id, size, status, volume_type_id, use_quota)"
                   " VALUES (0, ?, ?, ?, 'available', 't', 1)", ('%d-%d' % (n, v), project, size))
    db.commit(); db.close()
    ctxt = context.RequestContext('u', project, is_admin=True)
    made, results = [], []
    for step in steps:
        made.append(None); result = 'ok'
        try:
            if step[0] == 'reserve':
                made[-1] = quota.QUOTAS.reserve(ctxt, project_id=project, volumes=step[1], gigabytes=step[2])
            elif step[0] == 'rollback':
                quota.QUOTAS.rollback(ctxt, made[step[1]], project_id=project)
            else:
                quota.QUOTAS.commit(ctxt, made[step[1]], project_id='x' if 'other' in step[0] else project)
        except exception.OverQuota as e:
            result = sorted(e.kwargs['overs'])
        results.append(result)
    db = sqlite3.connect(path)
    usage = {r: [i, s] for r, i, s in db.execute('SELECT resource, in_use, reserved FROM quota_usages '
             'WHERE project_id = ? AND deleted = 0', (project,))}
    live = db.execute('SELECT COUNT(*) FROM reservations WHERE project_id = ? AND deleted = 0', (project,)).fetchone()[0]
    db.close()
    out[name] = dict(steps=steps, results=results, usage=usage, open=live)
print(json.dumps(out, indent=1, sort_keys=True))
