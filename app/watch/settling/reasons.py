"""What looks see while an incident is open, which may be another reason than that it began with."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.store.watch.incidents import Incident
from app.watch import incidents
from app.watch.faults import OF_THE_KEY

_MOST_NOTED = 200
"""Lines of a timeline, beyond which no look adds another."""
_TOLD_AGAIN = timedelta(hours=1)


def saw(incident: Incident, code: str, message: str, now: datetime) -> None:
    """Note what a look saw while an incident is open; words that stand in its timeline are not noted again.

    Its reason may be another one by now. A message says so where somebody else has to act (a key is not
    renewed by who brings a server back), once an hour at most.
    """
    if incident.message == message:
        return
    before, key = incident.code, f"{incident.endpoint_id}:{code}"
    if code != before and Incident.open_with(key) is None:
        incident.code, incident.open_key = code, key
    incident.message = message
    noted = [event.detail.get("message") for event in incident.timeline]
    if message not in noted and len(noted) < _MOST_NOTED:
        incidents.add_line(incident, "look", now, message=message)
    is_others = (incident.code in OF_THE_KEY) != (before in OF_THE_KEY)
    if is_others and not incident.hushed and (not incident.reminded or now - incident.reminded > _TOLD_AGAIN):
        incident.reminded = now
        incidents.tell("incident.reminder", incident, now)


def saw_alone(model_pk: str, code: str, message: str, now: datetime) -> None:
    """Note what a look saw at a model that is down for a reason of its own."""
    for incident in Incident.open_of_models([model_pk]):
        if sum(member.left is None for member in incident.members) == 1:
            saw(incident, code, message, now)
