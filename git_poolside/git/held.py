"""What a file holds on several branches, by one process at most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from git_poolside.git.process import Git
from git_poolside.git.ref_files import Odd, in_use, value

_SEEN: dict[tuple[Path, str, str], tuple[bytes | None, bytes | None]] = {}
"""Commits that were looked at, with a file's text: what they hold does not change."""


def texts(git: Git, refs: Sequence[str], file: str) -> dict[str, bytes | None]:
    """Those of the refs that have a commit here, with the file's text where they have it."""
    names = {ref: name for ref in refs if (name := _name(git, ref)) is not None}
    seen = {name: _SEEN.get((git.common_dir, name, file)) for name in names.values()}
    if new := [name for name, known in seen.items() if known is None]:
        found = _objects(git, [word for name in new for word in (f"{name}^{{commit}}", f"{name}:{file}")])
        seen |= zip(new, zip(found[::2], found[1::2], strict=True), strict=True)
        _SEEN.update(
            ((git.common_dir, name, file), known) for name, known in seen.items() if known and name not in refs
        )
    return {ref: known[1] for ref, name in names.items() if (known := seen[name]) and known[0] is not None}


def _name(git: Git, ref: str) -> str | None:
    """The commit that a ref has, by its file, or else the ref itself; None where there is no such."""
    try:
        return value(git.common_dir, ref) if in_use(git) else ref
    except Odd:
        return ref


def _objects(git: Git, asked: Sequence[str]) -> list[bytes | None]:
    """The objects with these names (git-cat-file(1), BATCH OUTPUT)."""
    rest = git.run("cat-file", "--batch", input="".join(f"{name}\n" for name in asked).encode()).stdout
    found: list[bytes | None] = []
    for _ in asked:
        head, _, rest = rest.partition(b"\n")
        size = head.rpartition(b" ")[2]
        found.append(rest[: int(size)] if size.isdigit() else None)
        rest = rest[int(size) + 1 :] if size.isdigit() else rest
    return found
