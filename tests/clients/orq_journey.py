"""What a program does with the Python client, whatever its version, told as one JSON object.

`MUSTER_URL=… TOKEN=… python -m tests.clients.orq_journey '{"base_url": …, "api_key": …}'` runs it with the
`orq_ai_sdk` that is first on the path. journey.mjs does the same with the JavaScript client.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from orq_ai_sdk import Orq
from orq_ai_sdk.models import APIDefaultError

JSON = Any


def refused(call: Callable[[], JSON]) -> JSON:
    """Status and code of the refusal that a call ends in."""
    try:
        call()
    except APIDefaultError as error:
        return [error.status_code, json.loads(error.body)["error"]["code"]]
    return "it was not refused"


def plain(answer: Any) -> JSON:
    """An answer as the server's JSON."""
    return json.loads(answer.model_dump_json(by_alias=True, exclude_unset=True))


def journey(orq: Orq, sent: dict[str, JSON]) -> dict[str, JSON]:
    """Create, list, change, switch off and on, delete; and what must be refused."""
    told: dict[str, JSON] = {}
    told["wrong_key"] = refused(lambda: orq.models.create_openai_like(**(sent | {"api_key": "sk-wrong"})))
    told["wrong_model"] = refused(lambda: orq.models.create_openai_like(**(sent | {"model_id": "no-such"})))
    told["created"] = plain(orq.models.create_openai_like(**sent))
    id = told["created"]["id"]
    told["again"] = refused(lambda: orq.models.create_openai_like(**sent))
    told["listed"] = plain(orq.models.list())
    named = {"id": id, "display_name": "Renamed", "model_type": sent["model_type"], "region": "europe"}
    told["updated"] = plain(orq.models.update_openai_like(**named))
    told["update_to_nothing"] = refused(lambda: orq.models.update_openai_like(**named, model_id="no-such"))
    orq.models.disable(model_id=id)
    told["listed_disabled"] = plain(orq.models.list())
    orq.models.enable(model_id=told["created"]["refId"])
    told["listed_enabled"] = plain(orq.models.list())
    orq.models.delete(id=id)
    told["deleted_again"] = refused(lambda: orq.models.delete(id=id))
    return told


if __name__ == "__main__":
    with Orq(api_key=os.environ["TOKEN"], server_url=os.environ["MUSTER_URL"]) as client:
        sys.stdout.write(json.dumps(journey(client, json.loads(sys.argv[1]))))
