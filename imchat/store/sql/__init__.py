"""The truth in an SQL database: a runner of transactions, dialects, migrations, and one store per family of tables.

The SQL of the stores is plain and runs unchanged on SQLite, MariaDB 10.11 and MySQL 8; what differs lives in
:mod:`imchat.store.sql.dialect`. Functions that take a :class:`~imchat.store.sql.transaction.Transaction` run in a
database thread, return plain data, and are safe to run twice.
"""
