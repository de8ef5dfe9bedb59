"""The clients that are no dependency of the project; a test that can't have them says so and is skipped."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.load.installing import NotInstalled, npm_installed, pip_installed

HERE = Path(__file__).parent


def older_sdk() -> Path:
    """The folder with the older Python client."""
    try:
        # Its dependencies are those of the newer one, which is installed.
        return pip_installed(HERE / "older.txt", "--no-deps")
    except NotInstalled as error:
        pytest.skip(f"the older orq-ai-sdk could not be installed, so it was NOT tested: {error}")


def litellm_proxy() -> Path:
    """The folder with LiteLLM and what its proxy needs."""
    try:
        return pip_installed(HERE / "litellm-proxy.txt")
    except NotInstalled as error:
        pytest.skip(f"LiteLLM's proxy could not be installed, so it was NOT tried: {error}")


def llama_router() -> Path:
    """The folder with a llama.cpp that serves several models."""
    try:
        return pip_installed(HERE / "llama-router.txt", "--no-deps", "--only-binary", ":all:")
    except NotInstalled as error:
        pytest.skip(f"llama.cpp with its router could not be installed, so it was NOT tried: {error}")


def node_clients() -> Path:
    """The folder with the JavaScript clients and the scripts that use them."""
    try:
        folder = npm_installed(HERE / "node" / "package.json")
    except NotInstalled as error:
        pytest.skip(f"the JavaScript clients could not be installed, so they were NOT tested: {error}")
    for script in (HERE / "node").glob("*.mjs"):
        shutil.copy(script, folder)
    return folder


def node_servers() -> Path:
    """The folder with the servers in JavaScript and the scripts that start them."""
    try:
        folder = npm_installed(HERE / "servers" / "package.json")
    except NotInstalled as error:
        pytest.skip(f"the servers in JavaScript could not be installed, so they were NOT tried: {error}")
    for script in (HERE / "servers").glob("*.mjs"):
        shutil.copy(script, folder)
    return folder
