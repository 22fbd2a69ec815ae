"""The backend; Django finds it by the names of this module and its class."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Borrows connections that work.

    The pool's own check looks at one connection after the other, and sleeps ever longer in
    between: after a restart a request would wait until its time is up.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that answers; one that does not speaks for all of its age."""
        connection = super().get_new_connection(conn_params)
        if not self.pool or _answers(connection):
            return connection
        self.pool.drain()
        self.pool.putconn(connection)
        return super().get_new_connection(conn_params)


def _answers(connection: Any) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True
