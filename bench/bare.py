"""What a hook costs at least: a Starlette app that writes each request into SQLite and answers after the commit.

usage: python -m bench.bare DATABASE PORT
"""

import sqlite3
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def app(database: str) -> Starlette:
    """Make the app; its table is made with it."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")

    async def hook(request: Request) -> Response:
        body = await request.body()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO event (body) VALUES (?)", (body,))
        connection.execute("COMMIT")
        return Response(status_code=204)

    return Starlette(routes=[Route("/hooks/{source}", hook, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(app(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
