"""`python -m app.probe BASE_URL MODEL_ID`: the probe without the rest of the program, with its own limits."""

from __future__ import annotations

from app.probe.console.command import command
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Limits

if __name__ == "__main__":
    command(lambda: (Limits(), EgressRules()))(prog_name="python -m app.probe")
