"""Running as a step of GitHub Actions: annotations, the job's summary, and nothing from elsewhere that is obeyed.

The runner reads both streams of a step and carries out what looks like a workflow command: a line that begins with
``::``, spaces apart, or that holds ``##[`` anywhere (docs.github.com, "Workflow commands for GitHub Actions";
actions/runner, ActionCommand.cs). Subjects, branch names and a server's words are printed, so none may look like one.
"""

from __future__ import annotations

import os

_SUMMARY = 1_000_000
"""Bytes of a step's summary; GitHub takes 1 MiB."""


def running() -> bool:
    """Whether this is a step of a job (``GITHUB_ACTIONS``)."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def harmless(text: str) -> str:
    """`text` with a space in what the runner would take for a workflow command."""
    import re

    return re.sub(r"((?:^|\r)\s*):(?=:)", r"\1: ", text, flags=re.MULTILINE).replace("##[", "## [")


def harmless_json(text: str) -> str:
    """The same for a JSON text, whose value stays the same."""
    return text.replace("##[", "##\\u005b")


def annotation(kind: str, title: str, message: str) -> str:
    """The workflow command that shows a message on the run's page; `kind` is notice, warning or error."""
    return f"::{kind} title={_escaped(title, ':,')}::{_escaped(message)}"


def _escaped(text: str, more: str = "") -> str:
    """As the runner takes it back: ``%0A`` for a line's end (actions/toolkit, command.ts)."""
    for character in ("%", "\r", "\n", *more):
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def summarise(markdown: str) -> None:
    """Add to the job's summary, where the runner keeps one (``GITHUB_STEP_SUMMARY``)."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        data = (markdown.rstrip("\n") + "\n\n").encode("utf-8", "replace")
        if len(data) > _SUMMARY:
            data = data[:_SUMMARY] + b"\n"
        with open(path, "ab") as file:  # noqa: PTH123
            file.write(data)


def server() -> str:
    """The address of the GitHub that runs this, or of github.com."""
    return os.environ.get("GITHUB_SERVER_URL", "https://github.com")


def run_url() -> str | None:
    """The address of this run."""
    repository, run = os.environ.get("GITHUB_REPOSITORY"), os.environ.get("GITHUB_RUN_ID")
    return f"{server()}/{repository}/actions/runs/{run}" if running() and repository and run else None
