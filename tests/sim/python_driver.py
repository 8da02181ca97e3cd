"""Drives Cinder's XtremIO drivers through their whole interface.

Talks to a simulated XMS that the caller started, over verified HTTPS. Every step
checks what the driver returned and what the array then holds. Prints one line a
step and `all passed` at the end; any failure is a traceback and a bad exit code.
"""
import argparse
import json
import os
import urllib.request
import uuid

from cinder import exception
from cinder import objects
from oslo_config import cfg

# The volume manager, which the drivers pull in, names them while it is imported.
objects.register_all()

from cinder.volume import configuration  # noqa: E402
from cinder.volume import driver  # noqa: E402
from cinder.volume.drivers.dell_emc import xtremio  # noqa: E402

IQN = 'iqn.1993-08.org.debian:01:driver-test'
WWPNS = ['2100001b32817c5f', '2100001b32817c60']
PORTALS = {'10.205.68.5:3260', '10.205.68.6:3260'}
FC_UP = {'21000024ff57b236', '21000024ff57b255'}


class Row(dict):
    """A row or object: the drivers use items and attributes alike."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name)


class NoCache:
    """The one database call the drivers make."""

    def image_volume_cache_get_by_volume_id(self, context, volume_id):
        return None


def volume(size=1, **more):
    row = Row(id=str(uuid.uuid4()), size=size, volume_attachment=None,
              group_id=None, consistencygroup_id=None,
              provider_location=None, _name_id=None)
    row.update(more)
    row['name'] = 'volume-' + row['id']
    row['name_id'] = row['id']
    return row


def snapshot(source, **more):
    row = Row(id=str(uuid.uuid4()), volume_id=source['id'],
              volume_size=source['size'], cgsnapshot_id=None,
              consistencygroup_id=None)
    row.update(more)
    row['name'] = 'snapshot-' + row['id']
    return row


class Array:
    """The admin side of the simulator."""

    def __init__(self, url, cluster):
        self.url = url
        self.cluster = cluster

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            self.url + path, method=method,
            data=json.dumps(body).encode() if body is not None else None)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def objects(self, kind):
        for cluster in self.call('GET', '/state')['clusters']:
            if cluster['name'] == self.cluster or not self.cluster:
                return {o.get('name') or o['mapping-id'][1]: o
                        for o in cluster[kind]}
        raise AssertionError('no cluster %r' % self.cluster)

    def volumes(self):
        return self.objects('volumes')


def equal(actual, wanted):
    assert actual == wanted, '%r, wanted %r' % (actual, wanted)


def raises(kind, call, *args):
    try:
        call(*args)
    except kind as error:
        return error
    raise AssertionError('%s not raised' % kind.__name__)


def check_volumes(drv, array):
    a = volume(2)
    drv.create_volume(a)
    equal(array.volumes()[a.id]['vol-size'], str(2 << 20))
    raises(exception.VolumeBackendAPIException, drv.create_volume, a)
    drv.extend_volume(a, 3)
    equal(array.volumes()[a.id]['vol-size'], str(3 << 20))
    raises(exception.VolumeDriverException, drv.extend_volume, volume(), 3)
    a['size'] = 3

    snap = snapshot(a)
    drv.create_snapshot(snap)
    held = array.volumes()[snap.id]
    equal(held['ancestor-vol-id'][1], a.id)
    if 'snapshot-type' in held:
        equal(held['snapshot-type'], 'readonly')
    from_snap, clone = volume(4), volume(5)
    drv.create_volume_from_snapshot(from_snap, snap)
    drv.create_cloned_volume(clone, a)
    equal(array.volumes()[from_snap.id]['vol-size'], str(4 << 20))
    equal(array.volumes()[clone.id]['vol-size'], str(5 << 20))
    equal(len(array.volumes()), 4)

    stats = drv.get_volume_stats(refresh=True)
    equal(stats['total_capacity_gb'], 10240)
    equal(stats['free_capacity_gb'], 10240)
    equal(stats['provisioned_capacity_gb'], 3 + 3 + 4 + 5)

    drv.delete_volume(a)
    drv.delete_snapshot(snap)
    for v in (from_snap, clone, a):
        drv.delete_volume(v)
    drv.delete_snapshot(snap)
    equal(array.volumes(), {})


def check_manage(drv, array):
    drv.client.req('volumes', 'POST', {'vol-name': 'by-hand', 'vol-size': '1500m'})
    ref = {'source-name': 'by-hand'}
    a = volume(2)
    equal(drv.manage_existing_get_size(a, ref), 2)
    drv.manage_existing(a, ref)
    equal(list(array.volumes()), [a.id])
    raises(exception.ManageExistingInvalidReference, drv.manage_existing, a, ref)

    drv.client.create_snapshot(a.id, 'snap-by-hand')
    snap, ref = snapshot(a), {'source-name': 'snap-by-hand'}
    equal(drv.manage_existing_snapshot_get_size(snap, ref), 2)
    drv.manage_existing_snapshot(snap, ref)
    raises(exception.ManageExistingInvalidReference,
           drv.manage_existing_snapshot, snap, {'source-name': a.id})
    drv.unmanage_snapshot(snap)
    drv.unmanage(a)
    equal(sorted(array.volumes()),
          sorted([snap.name + '-unmanged', a.name + '-unmanged']))
    for name in array.volumes():
        drv.client.req('volumes', 'DELETE', name=name)

    old, new = volume(), volume()
    drv.create_volume(new)
    equal(drv.update_migrated_volume(None, old, new, 'available'),
          {'_name_id': None, 'provider_location': None})
    drv.delete_volume(old)
    equal(array.volumes(), {})


def check_groups(drv, array):
    group = Row(id=str(uuid.uuid4()), status='available')
    drv.create_group(None, group)
    a, b = volume(group_id=group.id), volume()
    drv.create_volume(a)
    drv.create_volume(b)
    drv.update_group(None, group, add_volumes=[b])
    members = array.objects('consistency-groups')[group.id]['vol-list']
    equal(sorted(m[1] for m in members), sorted([a.id, b.id]))

    group_snap = Row(id=str(uuid.uuid4()), group_id=group.id)
    snaps = [snapshot(a), snapshot(b)]
    drv.create_group_snapshot(None, group_snap, snaps)
    set_name = (group.id + group_snap.id).replace('-', '')
    equal(array.objects('snapshot-sets')[set_name]['num-of-vols'], 2)

    copy = Row(id=str(uuid.uuid4()), status='available')
    copies = [volume(), volume()]
    drv.create_group_from_src(None, copy, copies, group_snapshot=group_snap,
                              snapshots=snaps)
    equal(array.objects('consistency-groups')[copy.id]['num-of-vols'], 2)
    twin = Row(id=str(uuid.uuid4()), status='available')
    twins = [volume(), volume()]
    drv.create_group_from_src(None, twin, twins, source_group=group,
                              source_vols=[a, b])
    ancestor = array.volumes()[twins[1].id]['ancestor-vol-id']
    equal(ancestor[1], b.id)

    drv.update_group(None, group, remove_volumes=[b])
    equal(array.objects('consistency-groups')[group.id]['num-of-vols'], 1)
    drv.delete_group_snapshot(None, group_snap, snaps)
    drv.delete_group(None, copy, copies)
    drv.delete_group(None, twin, twins)
    drv.delete_group(None, group, [a, b])
    equal(array.volumes(), {})
    equal(array.objects('snapshot-sets'), {})


def check_iscsi(drv, array):
    host = {'initiator': IQN, 'host': 'node1'}
    a, b = volume(), volume()
    drv.create_volume(a)
    drv.create_volume(b)

    def attach(v):
        info = drv.initialize_connection(v, host)
        equal(info['driver_volume_type'], 'iscsi')
        data = info['data']
        equal(set(data['target_portals']), PORTALS)
        equal(len(set(data['target_iqns'])), 2)
        assert data['target_portal'] in PORTALS
        return data

    first, second = attach(a), attach(b)
    equal([first['target_lun'], second['target_lun']], [1, 2])
    assert 'auth_method' not in first
    equal(attach(a)['target_lun'], 1)
    equal(len(array.objects('lun-maps')), 2)
    assert array.volumes()[a.id]['naa-name']

    array.call('POST', '/chap', {'login': 'initiator', 'discovery': 'initiator'})
    secret = attach(a)
    held = array.objects('initiators')[IQN]
    equal(secret['auth_method'], 'CHAP')
    equal(secret['auth_password'], held['chap-authentication-initiator-password'])
    equal(secret['discovery_auth_password'],
          held['chap-discovery-initiator-password'])
    equal(attach(a)['auth_password'], secret['auth_password'])

    drv.terminate_connection(a, host)
    equal(len(array.objects('lun-maps')), 1)
    drv.terminate_connection(b, None)
    equal(array.objects('lun-maps'), {})
    equal(array.objects('initiator-groups'), {})
    fresh = attach(a)
    assert fresh['auth_password'] and fresh['discovery_auth_password']
    array.call('POST', '/chap', {'login': 'disabled', 'discovery': 'disabled'})
    drv.terminate_connection(a, host)
    drv.delete_volume(a)
    drv.delete_volume(b)


def check_fc(drv, array):
    host = {'wwpns': WWPNS, 'host': 'node1'}
    a, b = volume(), volume()
    drv.create_volume(a)
    drv.create_volume(b)
    for v, lun in ((a, 1), (b, 2), (a, 1)):
        info = drv.initialize_connection(v, host)
        equal(info['driver_volume_type'], 'fibre_channel')
        equal(info['data']['target_lun'], lun)
        equal(set(info['data']['target_wwn']), FC_UP)
        equal(sorted(info['data']['initiator_target_map']), WWPNS)
    equal(array.objects('initiator-groups')['node1']['num-of-initiators'], 2)
    info = drv.terminate_connection(a, host)
    equal(info['data'], {})
    info = drv.terminate_connection(b, host)
    equal(set(info['data']['target_wwn']), FC_UP)
    equal(array.objects('lun-maps'), {})
    equal(array.objects('initiator-groups'), {})

    # One port of the host is in a group that an administrator made.
    drv.client.req('initiator-groups', 'POST', {'ig-name': 'by-hand'})
    port = ':'.join(WWPNS[0][i:i + 2] for i in range(0, 16, 2))
    drv.client.req('initiators', 'POST', {
        'initiator-name': port, 'port-address': port, 'ig-id': 'by-hand'})
    if array.has_v2:
        info = drv.initialize_connection(a, host)
        equal(info['data']['target_lun'], 1)
        equal(len(array.objects('lun-maps')), 2)
        drv.terminate_connection(a, host)
    else:
        drv.client.req('initiator-groups', 'DELETE', name='by-hand')
    equal(array.objects('initiator-groups'), {})
    drv.delete_volume(a)
    drv.delete_volume(b)


def check_faults(drv, array):
    a = volume()
    array.call('POST', '/faults', [
        {'match': {'method': 'POST', 'type': 'volumes', 'name': a.id},
         'action': 'busy', 'times': 1}])
    drv.create_volume(a)
    equal(list(array.volumes()), [a.id])
    array.call('POST', '/faults', [
        {'match': {'type': 'volumes'}, 'action': 'reset_before', 'times': 1}])
    raises(exception.VolumeDriverException, drv.delete_volume, a)
    drv.delete_volume(a)
    equal(array.volumes(), {})


def main():
    parser = argparse.ArgumentParser()
    for name in ('xms', 'admin', 'user', 'password', 'cluster', 'ca'):
        parser.add_argument('--' + name, required=True)
    args = parser.parse_args()
    path = os.path.abspath('cinder.conf')
    options = {
        'san_ip': args.xms, 'san_login': args.user,
        'san_password': args.password, 'xtremio_cluster_name': args.cluster,
        'driver_ssl_cert_verify': 'true', 'driver_ssl_cert_path': args.ca,
        'xtremio_clean_unused_ig': 'true',
        # This driver takes the count for the wait in seconds.
        'xtremio_array_busy_retry_count': '1',
    }
    with open(path, 'w') as file:
        file.write('[xtremio]\n')
        for item in options.items():
            file.write('%s = %s\n' % item)
    cfg.CONF([], project='cinder', default_config_files=[path])
    array = Array(args.admin, args.cluster)
    for cls, protocol, attach in (
            (xtremio.XtremIOISCSIDriver, 'iSCSI', check_iscsi),
            (xtremio.XtremIOFCDriver, 'FC', check_fc)):
        drv = cls(configuration=configuration.Configuration(
            driver.volume_opts, config_group='xtremio'), host='host@xtremio')
        drv.db = NoCache()
        drv.do_setup(None)
        drv.check_for_setup_error()
        array.has_v2 = isinstance(drv.client, xtremio.XtremIOClient4)
        equal(drv.get_volume_stats(refresh=True)['storage_protocol'], protocol)
        steps = [check_volumes, check_manage, attach, check_faults]
        if array.has_v2:
            steps.append(check_groups)
        for step in steps:
            step(drv, array)
            print(type(drv.client).__name__, protocol, step.__name__, 'passed')
    print('all passed')


if __name__ == '__main__':
    main()
