"""LiteLLM's health check, some rounds of it: `litellm_check.py BASE_URL KEY MODEL ROUNDS` prints the seconds
of each as JSON. A script and no module: it runs with LiteLLM's own dependencies, and without Muster."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import litellm  # type: ignore[import-not-found]  # only there where this script runs


async def check(base_url: str, key: str, model: str) -> float:
    """How long one check takes."""
    asked: dict[str, object] = {
        "model": f"openai/{model}",
        "api_base": base_url,
        "api_key": key,
        "max_tokens": 16,
    }
    asked["messages"] = [{"role": "user", "content": "Reply with OK."}]
    begun = time.perf_counter()
    answer = await litellm.ahealth_check(asked, mode="chat")
    took = time.perf_counter() - begun
    assert "error" not in answer, answer
    return took


async def main() -> list[float]:
    """A round to warm up, then the measured ones."""
    base_url, key, model, rounds = sys.argv[1:]
    await check(base_url, key, model)
    return [await check(base_url, key, model) for _ in range(int(rounds))]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main())) + "\n")
