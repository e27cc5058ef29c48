"""Facts about the whole warehouse: name and value."""

from __future__ import annotations

from sqlalchemy import Connection, select

from warehouse.database.schema import WAREHOUSE_FACT
from warehouse.database.statements import insert_or_ignore, insert_or_update

DATA_KIND = "data_kind"
"""``simulated`` or ``real``; fixed by the first cluster."""
BILLING_ZONE = "billing_zone"
"""Fixed at the first close at the latest."""
LAKE_CATALOGUE = "lake_catalogue"
"""Hash of the lake tables that the last migration brought about."""
RETIRED_CLUSTERS = "retired_clusters"
"""JSON object: clusters that were shut down, with the end of their last hour."""


def read_fact(connection: Connection, name: str) -> str | None:
    """Return a fact, or None while it is not known."""
    statement = select(WAREHOUSE_FACT.c.value).where(WAREHOUSE_FACT.c.name == name)
    return connection.execute(statement).scalar_one_or_none()


def fix_fact(connection: Connection, name: str, value: str) -> str:
    """Set a fact unless it is set already; return what it is."""
    connection.execute(insert_or_ignore(connection, WAREHOUSE_FACT).values(name=name, value=value))
    return str(read_fact(connection, name))


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Set a fact, whatever it was."""
    insert_or_update(connection, WAREHOUSE_FACT, [{"name": name, "value": value}])
