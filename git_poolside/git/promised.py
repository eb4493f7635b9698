"""What a partial clone lacks and git would fetch one by one, fetched in one go (git-clone(1), ``--filter``)."""

from __future__ import annotations

from collections.abc import Iterable

from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.stack.model import Oid

_FETCH = (
    "fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance",
    "--filter=blob:none", "--stdin", "-q",
)  # fmt: skip
NOT_THERE = ("couldn't find remote ref", "not our ref", "no such remote ref", "unadvertised object")
"""How servers and git say that an object or a ref is not to be had."""


def bring(objects: Objects, wanted: Iterable[Oid]) -> None:
    """Fetch those of `wanted` that are missing, if this is a partial clone and they are several.

    What cannot be had now is no error: git asks again for each that it really needs, and says what is wrong.
    """
    git = objects.git.alone
    if not any((git.object_dir / "pack").glob("*.promisor")):
        return
    missing = [oid for oid in dict.fromkeys(wanted) if not objects.exists(oid)]
    if len(missing) < 2:
        return
    for remote in _promisors(git):
        missing = _left(git, remote, missing)
        if not missing:
            return


def _left(git: Git, remote: str, wanted: list[Oid]) -> list[Oid]:
    """Those of `wanted` that the remote did not hand out: one that it has not spoils the whole question."""
    answer = git.talk(*_FETCH, remote, ok=range(256), quiet=True, input="".join(f"{oid}\n" for oid in wanted))
    if answer.status == 0:
        return []
    if len(wanted) == 1 or not any(word in answer.complaint for word in NOT_THERE):
        return wanted
    half = len(wanted) // 2
    return [*_left(git, remote, wanted[:half]), *_left(git, remote, wanted[half:])]


def _promisors(git: Git) -> list[str]:
    """The remotes that promised to hand out what is missing."""
    lines = git.try_run("config", "--type=bool", "--get-regexp", r"^remote\..*\.promisor$").text.splitlines()
    return [
        name.removeprefix("remote.").removesuffix(".promisor")
        for name, _, value in (line.rpartition(" ") for line in lines)
        if value == "true"
    ]
