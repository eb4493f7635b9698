"""``git poolside demo``: a whole fork in a folder, synced before your eyes."""

from __future__ import annotations

import argparse
from pathlib import Path

from git_poolside.commands import Parser
from git_poolside.context import Context
from git_poolside.errors import Refused


def parser() -> Parser:
    made = Parser("demo")
    made.add_argument("folder", metavar="DIR", nargs="?", help="make it in DIR, which is new or empty; default: a new temporary folder")  # fmt: skip  # noqa: E501
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Works anywhere, in a repository or not; needs no network and no configuration, and leaves the folder."""
    from git_poolside.demo.story import play

    play(context.ui, _folder(arguments.folder))
    return 0


def _folder(name: str | None) -> Path:
    """The empty folder to work in. Raises `Refused` for one that is not."""
    if name is None:
        from tempfile import mkdtemp

        return Path(mkdtemp(prefix="git-poolside-demo-")).resolve()
    folder = Path(name).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        empty = next(folder.iterdir(), None) is None
    except OSError as error:
        raise Refused(
            f"cannot make the demo in '{name}': {error.strerror}",
            hints=["git poolside demo   (makes a new temporary folder)"],
        ) from error
    if not empty:
        raise Refused(
            f"'{name}' is not empty: the demo touches nothing that is there already",
            hints=[
                "name a folder that is new or empty",
                "git poolside demo   (makes a new temporary folder)",
            ],
        )
    return folder
