"""Amazon's driver for Python as an application uses it: told by a JSON object, it prints what came of it as JSON, or the error."""

import json
import sys

import redshift_connector


def asked(connection):
    """What everybody asks first, and the format of answers that both sides agreed on."""
    cursor = connection.cursor()
    answers = []
    for statement in ["select 1", "select version()", "select current_user", "select 1"]:
        answers += cursor.execute(statement).fetchone()
    return answers + [connection._client_protocol_version]


def looked_around(connection):
    """The metadata calls, each reduced to its names."""
    cursor = connection.cursor()
    return {
        "catalogs": cursor.get_catalogs(),
        "schemas": [row[0] for row in cursor.get_schemas()],
        "tables": [row[2:4] for row in cursor.get_tables(schema_pattern="publ%")],
        "one": [row[2] for row in cursor.get_tables(table_name_pattern="orders")],
        "none": cursor.get_tables(schema_pattern="nosuch"),
        "columns": [[row[i] for i in (2, 3, 5, 16)] for row in cursor.get_columns(columnname_pattern="%id")],
    }


def transacted(connection):
    """Whether a transaction is open: begun by the first statement, ended by commit and rollback, and never by autocommit."""
    cursor = connection.cursor()
    open_now = []
    for step in [
        lambda: cursor.execute("select 1"),
        connection.commit,
        lambda: failed(cursor),
        connection.rollback,
        lambda: setattr(connection, "autocommit", True),
        lambda: cursor.execute("select 1"),
    ]:
        step()
        open_now.append(connection.in_transaction)
    return open_now


def failed(cursor):
    try:
        cursor.execute("select nosuch")
    except redshift_connector.ProgrammingError as error:
        assert error.args[0]["C"] == "0A000", error
    else:
        raise AssertionError("the lab knows no such column")


told = json.loads(sys.argv[1])
task = globals()[told.pop("task")]
try:
    with redshift_connector.connect(host="localhost", database="orders", timeout=5, **told) as connection:
        print(json.dumps(task(connection), default=list, separators=(",", ":")))
except (redshift_connector.Error, ConnectionAbortedError, AssertionError) as error:
    print(type(error).__name__, *error.args)
