"""The README's session and drawing: what the demo prints under the commands that the README shows, and leaves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from git_poolside.docs.pages import ROOT
from git_poolside.docs.stack import with_stack


def with_session(readme: str, printed: str) -> str:
    """A README whose session, below its marker, shows under each of its commands what the demo printed there."""
    head, marker, rest = readme.partition("<!-- from the demo -->\n```console\n")
    shown, fence, tail = rest.partition("```\n")
    left = printed
    blocks: list[str] = []
    for command in (line for line in shown.splitlines(keepends=True) if line.startswith("$ ")):
        _, found, left = left.partition("\n" + command)
        lines = left.splitlines(keepends=True)
        end = next((n for n, line in enumerate(lines) if line.startswith(("# ", "$ "))), len(lines))
        blocks.append("".join([found.lstrip("\n"), *lines[:end]]).rstrip("\n") + "\n")
    return head + marker + "\n".join(blocks) + fence + tail


def put() -> None:
    """Run the demo, put its output into the README."""
    import subprocess
    from tempfile import TemporaryDirectory

    readme = ROOT / "README.md"
    code = "from git_poolside.cli import run; run('demo')"
    with TemporaryDirectory() as folder:
        words = [sys.executable, "-c", code, "--color=never", folder]
        environment = {**os.environ, "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, env=environment, check=True)
        text = with_stack(readme.read_text(), Path(folder) / "clone")
    readme.write_text(with_session(text, done.stdout))
