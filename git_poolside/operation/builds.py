"""What became of builds: the run that is not told the end of yet, and the records of those that succeeded.

A record is an annotated tag on the patches tip that was built, its message JSON, as a published state's is; it goes to
the fork's server with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from git_poolside import __version__
from git_poolside.config import Config
from git_poolside.git import refs
from git_poolside.git.objects import TAG, Committer, Objects
from git_poolside.git.process import Git
from git_poolside.git.quarantine import quarantine
from git_poolside.git.remotes import Remote
from git_poolside.operation import journal
from git_poolside.stack.model import Oid, RefChange
from git_poolside.stack.values import as_dict, frozen

_FILE = "build.json"


@frozen
class Build:
    """What is built: the branch and its tip, the three tips by role, the nightly (``date``, ``commit``), the version
    without what the build itself appends, the workflow's file and inputs (None of a run that somebody else began, since
    GitHub does not tell), the published state's ref if it has one; the run's id, `number` and url once there is one,
    and when it was asked for, by GitHub's clock.
    """

    branch: str
    tip: Oid
    tips: Mapping[str, Oid | None]
    nightly: Mapping[str, str] | None
    version: str | None
    workflow: str
    inputs: Mapping[str, str] | None
    published: str | None
    run: int = 0
    number: int = 0
    url: str = ""
    asked: str = ""

    @property
    def said(self) -> dict[str, Any]:
        """What its record says of it, and ``--json``."""
        return {key: value for key, value in as_dict(self).items() if key != "asked"}


def remember(git: Git, build: Build) -> None:
    """Keep the run that was begun until its end was told."""
    git.state_dir.mkdir(parents=True, exist_ok=True)
    journal.durable(git.state_dir / _FILE, json.dumps(as_dict(build), indent=1))


def remembered(git: Git) -> Build | None:
    """The run whose end was not told yet; one that cannot be read is none."""
    try:
        return Build(**json.loads((git.state_dir / _FILE).read_text()))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def forget(git: Git) -> None:
    (git.state_dir / _FILE).unlink(missing_ok=True)


def prefix(config: Config) -> str:
    """Where the records are kept, beside the published states."""
    published = config.published.prefix
    return published.removesuffix("published/") + "builds/" if published.endswith("/published/") else (
        published.removesuffix("/") + "-builds/"
    )  # fmt: skip


def record(git: Git, config: Config, remote: Remote, build: Build, artifacts: Sequence[str]) -> tuple[str, str]:
    """Write the record of a build that succeeded and send it to the fork's server.

    Returns its ref, and why the server does not have it ("" if it has). One that is here already stays.
    """
    published = (build.published or "").removeprefix(config.published.prefix)
    ref = f"{prefix(config)}{published or (build.nightly or {}).get('date', 'build')}.{build.run}"
    if refs.read_one(git, ref) is None:
        with quarantine(git) as inner:
            own = Objects(inner.git)
            tag = own.write(TAG, _tag(ref, build, artifacts, Committer.of(own).identity))
            inner.keep([tag])
            refs.move(git, [RefChange(ref, None, tag)], "poolside publish")
    return ref, remote.add(ref)


def _tag(ref: str, build: Build, artifacts: Sequence[str], identity: bytes) -> bytes:
    body = {"schema": 1, **build.said, "artifacts": list(artifacts), "tool": __version__}
    lines = [f"object {build.tip}", "type commit", f"tag {ref.rpartition('/')[2]}"]
    return "\n".join(lines).encode() + b"\ntagger " + identity + b"\n\n" + json.dumps(body, indent=1).encode() + b"\n"


def records(git: Git, config: Config) -> Iterator[tuple[str, Oid, dict[str, Any]]]:
    """The records that are here, by name: ref, tag and what it says; what is none of ours is left out."""
    objects = Objects(git)
    for ref, oid in refs.below(git, prefix(config)).items():
        try:
            body = json.loads(objects.read(oid).partition(b"\n\n")[2])
        except (ValueError, RecursionError):
            continue
        if isinstance(body, dict) and _is_record(body):
            yield ref, oid, body


def _is_record(body: dict[str, Any]) -> bool:
    """Whether what a tag says is shaped as a record: others can push below the same names."""
    texts = [body.get("url"), body.get("workflow"), body.get("version") or "", body.get("published") or ""]
    artifacts = body.get("artifacts")
    return (
        all(isinstance(body.get(key), int) for key in ("run", "number"))
        and isinstance(artifacts, list)
        and all(isinstance(text, str) for text in [*texts, *artifacts])
    )


def find(git: Git, config: Config, build: Build) -> dict[str, Any] | None:
    """What the newest record of a build of the same tip with the same inputs says."""
    same = (build.tip, build.workflow, build.inputs)
    found = [
        body
        for _, _, body in records(git, config)
        if (body.get("tip"), body.get("workflow"), body.get("inputs")) == same
    ]
    return found[-1] if found else None
