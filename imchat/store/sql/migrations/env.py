"""Run by Alembic for each upgrade; :mod:`imchat.store.sql.schema` hands it an open connection."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
