"""Alembic's entry: migrates over the connection that `warehouse.database.migration` opened."""

from __future__ import annotations

from alembic import context

from warehouse.database.every_table import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=False,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
