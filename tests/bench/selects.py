"""A second yardstick: a Flask route that looks up the token and the document, by one select each, and nothing
else: no log, no rates, no metrics, no scope, no headers. What Muster's own route can't be quicker than.

`python -m tests.bench.selects PORT INSTANCE DATABASE_URL`: `/ID` sends the document.
"""

from __future__ import annotations

import sys
from pathlib import Path

from flask import Flask, Response, request

from app import config
from app.access import tokens
from app.cli.serving import server
from app.factory import flask_config
from app.registry import stored_documents
from app.store import database


def selecting_app(chosen: config.Settings) -> Flask:
    """The application."""
    app = Flask(__name__)
    app.config.update(flask_config(chosen))
    database.init_app(app)

    @app.get("/<id>")
    def send(id: str) -> Response:
        assert tokens.find(request.headers["Authorization"].removeprefix("Bearer ")) is not None
        found = stored_documents.stored(id)
        assert found is not None
        return Response(found.body, mimetype="application/json", headers={"ETag": found.etag})

    return app


if __name__ == "__main__":
    port, instance, url = sys.argv[1:]
    opened = config.load_with({"instance": Path(instance), "database_url": url, "workers": 1})
    with server.listening("127.0.0.1", int(port)) as bound:
        server.run(selecting_app(opened), bound, "")
