"""An example or two for each command's help."""

from __future__ import annotations

from collections.abc import Mapping

import click

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "serve": ("muster serve --practice", "muster serve --host 0.0.0.0 --port 8700"),
    "worker": ("muster worker --threads 32",),
    "probe": ("muster probe https://llm.example.com/v1 llama-3.3-70b --key-env LLM_KEY",),
    "apply": ("muster apply registry.yaml --dry-run", "muster apply registry.yaml --prune --quiet"),
    "models list": ("muster models list --status down", "muster models list --tag prod --json"),
    "models show": ("muster models show muster@openailike/llama-3.3-70b",),
    "models enable": ("muster models enable muster@openailike/llama-3.3-70b",),
    "models disable": ("muster models disable muster@openailike/llama-3.3-70b",),
    "models delete": ("muster models delete muster@openailike/llama-3.3-70b",),
    "endpoint list": ("muster endpoint list --json",),
    "endpoint show": ("muster endpoint show llm.example.com --catalog",),
    "endpoint add": ("muster endpoint add https://llm.example.com/v1 --key-env LLM_KEY --models all",),
    "endpoint rotate": ("muster endpoint rotate llm.example.com --key-env NEW_KEY",),
    "endpoint key-ends": ("muster endpoint key-ends llm.example.com 2030-01-31",),
    "endpoint delete": ("muster endpoint delete llm.example.com",),
    "reprobe": ("muster reprobe --all --quiet", "muster reprobe muster@openailike/llama-3.3-70b"),
    "compare": ("muster compare muster@openailike/llama-a muster@openailike/llama-b --dry-run",),
    "import": ("muster import config.yaml --dry-run", "muster import config.yaml --keys-from-env"),
    "export": ("muster export config.yaml", "muster export --format muster registry.yaml"),
    "token create": ("muster token create deploy --scope write --expires 90d",),
    "token list": ("muster token list --json",),
    "token revoke": ("muster token revoke deploy",),
    "user create": ("muster user create ada@example.com --role editor",),
    "user list": ("muster user list --json",),
    "user reset-password": ("muster user reset-password ada@example.com",),
    "user reset-second-factor": ("muster user reset-second-factor ada@example.com",),
    "user to-provider": ("muster user to-provider ada@example.com",),
    "user disable": ("muster user disable ada@example.com",),
    "user enable": ("muster user enable ada@example.com",),
    "user role": ("muster user role ada@example.com admin",),
    "audit verify": ("muster audit verify --json",),
    "audit export": ("muster audit export --after 1000",),
    "db upgrade": ("muster db upgrade",),
    "key rotate": ("muster key rotate",),
    "backup": ("muster backup monday.sqlite",),
    "restore": ("muster restore monday.sqlite --yes",),
    "check": ("muster check --json",),
    "settings": ("muster settings --effective",),
}
"""By the words after `muster`; a test knows every command."""


def give(command: click.Command, words: str) -> click.Command:
    """The command, or each of a group, with its examples at the end of its help."""
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            give(one, f"{words} {name}")
    elif words in EXAMPLES:
        command.epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in EXAMPLES[words])
    return command
