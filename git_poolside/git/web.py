"""Where a remote's repository can be looked at, for links in the output."""

from __future__ import annotations

import os
import re

from git_poolside.git.process import Git

_REMOTE = re.compile(
    r"(?:https?://|ssh://|git://)?(?:[\w.-]+@)?(?P<host>[\w.-]+)[:/](?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)


def page(git: Git, remote: str) -> str:
    """The address of a remote's repository on GitHub; empty for another host, whose addresses are not known.

    ``GITHUB_SERVER_URL`` names an Enterprise host, as Actions sets it.
    """
    found = _REMOTE.fullmatch(git.setting(f"remote.{remote}.url") or "")
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/")
    known = ("github.com", server.partition("://")[2])
    return f"https://{found['host']}/{found['name']}" if found and found["host"] in known else ""
