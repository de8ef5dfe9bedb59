"""Twenty that write and twenty that read for a minute: no server error, no lost write."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.databases import KINDS, databases
from tests.bench.measuring import Finding, Remark
from tests.bench.serving import running
from tests.load.editing import Editing

FOR_S = 60.0


def measure() -> Iterator[Finding | Remark]:
    """For each database."""
    with databases() as made:
        for kind in KINDS:
            with running(made.folder / f"muster-{kind}", made.new(kind), watch_seconds=300) as muster:
                seen = Editing(muster, FOR_S).run()
            yield Finding(
                f"calls in {FOR_S:.0f} s by 20 writers and 20 readers, {kind}", seen.statuses.total(), ""
            )
            yield Finding("  writes among them", seen.writes, "")
            errors = sum(number for status, number in seen.statuses.items() if status >= 500)
            yield Finding("  server errors", errors, "", at_most=0)
            yield Finding("  lost or mixed writes and the like", len(seen.wrong), "", at_most=0)
            yield from (Remark(f"  {sentence}") for sentence in seen.wrong[:5])
