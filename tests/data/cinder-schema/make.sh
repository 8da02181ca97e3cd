#!/bin/sh
# Makes the schema dumps beside this script with the real Cinder's own migrations.
#
# Needs: a Python with `cinder==29.0.0 PyMySQL psycopg2-binary` ($PYTHON), the MariaDB and
# PostgreSQL client programs, and two empty servers that may create databases:
#   CVX_MARIADB=mysql://root:PASS@127.0.0.1:PORT
#   CVX_POSTGRES=postgres://postgres:PASS@127.0.0.1:PORT
set -eu

: "${PYTHON:?a python with cinder 29.0.0}" "${CVX_MARIADB:?}" "${CVX_POSTGRES:?}"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
head=9c74c1c6971f
release21=c92a3e68beed

# part URL {user|password|hostname|port}
part() { "$PYTHON" -c 'import sys, urllib.parse as u; print(getattr(u.urlparse(sys.argv[1]), sys.argv[2]))' "$1" "$2"; }

# migrate SQLALCHEMY-URL REVISION
migrate() {
    printf '[database]\nconnection = %s\n[DEFAULT]\nstate_path = %s\n' "$1" "$work" > "$work/cinder.conf"
    "$PYTHON" - "$work/cinder.conf" "$2" <<'P'
import sys
from oslo_config import cfg
from cinder.db import migration
from cinder import objects
objects.register_all()
cfg.CONF(['--config-file', sys.argv[1]], project='cinder')
migration.db_sync(sys.argv[2])
P
}

mysql_client() {
    program=$1; shift
    MYSQL_PWD=$(part "$CVX_MARIADB" password) "$program" -h "$(part "$CVX_MARIADB" hostname)" \
        -P "$(part "$CVX_MARIADB" port)" -u "$(part "$CVX_MARIADB" username)" "$@"
}

postgres_client() {
    program=$1; shift
    PGPASSWORD=$(part "$CVX_POSTGRES" password) "$program" -h "$(part "$CVX_POSTGRES" hostname)" \
        -p "$(part "$CVX_POSTGRES" port)" -U "$(part "$CVX_POSTGRES" username)" "$@"
}

for revision in $head $release21; do
    database=cinder_schema_$revision
    mysql_client mariadb -e "DROP DATABASE IF EXISTS $database; CREATE DATABASE $database CHARACTER SET utf8mb3"
    migrate "mysql+pymysql${CVX_MARIADB#mysql}/$database" "$revision"
    mysql_client mariadb-dump --compact --skip-comments --skip-extended-insert --complete-insert \
        --default-character-set=utf8 "$database" | grep -v -e '^/\*!40' -e '^/\*M!' > "$here/mysql-$revision.sql"
    mysql_client mariadb -e "DROP DATABASE $database"

    migrate "sqlite:///$work/$revision.sqlite" "$revision"
    "$PYTHON" -c 'import sqlite3, sys
for line in sqlite3.connect(sys.argv[1]).iterdump(): print(line)' "$work/$revision.sqlite" > "$here/sqlite-$revision.sql"
done

database=cinder_schema_$head
postgres_client psql -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database"
migrate "postgresql+psycopg2${CVX_POSTGRES#postgres}/$database" "$head"
postgres_client pg_dump --inserts --no-owner --no-privileges --no-comments "$database" \
    | grep -v -e '^--' -e '^$' -e '^\\' -e '^SET ' > "$here/postgresql-$head.sql"
postgres_client psql -q -d postgres -c "DROP DATABASE $database"

"$PYTHON" "$here/quota_cases.py" "$here/sqlite-$head.sql" > "$here/quota-cases.json"
