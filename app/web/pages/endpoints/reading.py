"""What a browser sends to register many models, as a batch."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict

from app.registry.endpoints.form import NewEndpointForm
from app.store.endpoints import Endpoint
from app.web.guards import current_actor
from app.web.pages.endpoints import proxy_sign_in
from app.web.pages.endpoints.choosing import AT_MOST, TYPES, Action, Batch
from app.web.pages.label_fields import sent_labels
from app.web.pages.register import held_keys
from app.web.pages.register.reading import ELSEWHERE


def blank(endpoint: Endpoint | None = None) -> Batch:
    """The form as it stands first."""
    return Batch(NewEndpointForm(formdata=None), endpoint)


def read(sent: MultiDict[str, str], endpoint: Endpoint | None = None) -> Batch:
    """What a browser sent, with the key that was kept from the step before."""
    form = NewEndpointForm(formdata=sent)
    actions: dict[str, Action] = {"save": "save", "all": "all"}
    known = {
        name.partition(":")[2]: kind for name, kind in sent.items() if name[:5] == "type:" and kind in TYPES
    }
    batch = Batch(
        form,
        endpoint,
        actions.get(sent.get("do", ""), "look"),
        ticked=set(sent.getlist("model")[:AT_MOST]),
        types=known,
        region=sent.get("region", "").strip()[:64],
        filter=sent.get("filter", "").strip()[:200],
        proof_only=sent.get("depth") == "proof",
        prices=sent.get("prices") == "yes" or "model" not in sent,
        list_prices=sent.get("list_prices") == "yes",
        labels=sent_labels(sent),
        name=sent.get("batch", ""),
        proxy=proxy_sign_in.read(sent, form.proxy),
    )
    _use_held(batch, sent.get("held_key", ""))
    return batch


def _use_held(batch: Batch, held_id: str) -> None:
    held = held_keys.find(held_id, current_actor().id)
    if held is None or batch.form.api_key.data:
        return
    if held.fits(batch.base_url):
        batch.form.api_key.data = held.key(batch.base_url)
        batch.held = held
        return
    batch.key_problem = ELSEWHERE.format(origin=held.origin)
