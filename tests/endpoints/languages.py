"""Models that see well and name colours in another language than they are asked in."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.endpoints.base import Simulator
from tests.endpoints.replies import has_image

JSON = Any
NAMES = ("red", "green", "blue", "yellow", "black", "white")
TWO = re.compile(rf"({'|'.join(NAMES)}), ({'|'.join(NAMES)})")
QUOTED = re.compile(rf'"({"|".join(NAMES)})"')


def answer_in(sim: Simulator, words: str, sentence: str) -> None:
    """Name colours by these words (in the order of `NAMES`), in a sentence where no JSON is asked for.

    A schema that allows the English names only is kept, as a grammar makes sure.
    """
    named = dict(zip(NAMES, words.split(), strict=True))

    def translated(asked: JSON, said: str) -> str:
        if not has_image(asked) or QUOTED.search(json.dumps(asked.get("response_format"))):
            return said
        said = QUOTED.sub(lambda found: f'"{named[found[1]]}"', said)
        return TWO.sub(lambda found: sentence.format(named[found[1]], named[found[2]]), said)

    sim.edit_text(translated)
