"""Provokes deadlocks: locker.py HOST PORT USER PASSWORD, until its standard input ends.

Takes reservations, volumes and quota rows in the opposite order of Cinder's, again and again, in
transactions that have written much elsewhere: InnoDB then rolls the others back. Prints how often
it got through, and how often it was the victim. Runs in the services' Python environment.
"""

import json
import sys
import threading
import time

import pymysql

LOCKS = (
    "SELECT id FROM reservations WHERE deleted = 0 ORDER BY id DESC FOR UPDATE",
    "SELECT id FROM volumes WHERE deleted = 0 ORDER BY id DESC FOR UPDATE",
    "SELECT id FROM quota_usages ORDER BY id DESC FOR UPDATE",
)


def once(connection):
    """One transaction that others collide with; nothing of it stays."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.executemany("INSERT INTO chaos.weight (id) VALUES (%s)", [(None,)] * 60)
        for lock in LOCKS:
            cursor.execute(lock)
            cursor.fetchall()
            time.sleep(0.02)  # the time in which somebody takes the next ones
        cursor.execute("ROLLBACK")


def main():
    """Repeats until nobody listens any more."""
    host, port, user, password = sys.argv[1:5]
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    done, victim = 0, 0
    while not over.is_set():
        try:
            connection = pymysql.connect(
                host=host, port=int(port), user=user, password=password, database="cinder"
            )
            while not over.wait(0.03):
                try:
                    once(connection)
                    done += 1
                except pymysql.err.OperationalError as why:
                    victim += 1
                    if why.args[0] not in (1213, 1205):
                        raise
                    connection.rollback()
        except pymysql.err.MySQLError:
            over.wait(0.3)
    print(json.dumps({"transactions": done, "victim": victim}))


if __name__ == "__main__":
    main()
