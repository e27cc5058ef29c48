"""Real servers and warehouses for the contract tests of the warehouse."""

from __future__ import annotations

from support.postgres import postgres_server  # noqa: F401
from support.s3 import s3_server  # noqa: F401
from support.warehouse import (  # noqa: F401
    any_warehouse,
    each_database,
    fresh_warehouse,
    server_template,
    server_warehouse,
)
