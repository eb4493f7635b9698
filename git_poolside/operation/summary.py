"""What the changes file says, and what it would say of the stack as it stands; reads this clone alone."""

from __future__ import annotations

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.git.layers import StackReader
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.operation.generated import Generated
from git_poolside.operation.prepare import ground
from git_poolside.stack.changes import BrokenMarkers, section, written
from git_poolside.stack.model import Role
from git_poolside.stack.values import frozen


@frozen
class Summary:
    """The file's text at the tip of the patches (None: there is no such file), and with its section made anew."""

    now: bytes | None
    planned: bytes

    @property
    def agrees(self) -> bool:
        return self.now == self.planned

    @property
    def section(self) -> list[str]:
        return section(self.planned) or []


def summary(git: Git, config: Config) -> Summary:
    """Raises `Refused` where there is no stack, or where the markers in the file are no pair."""
    objects = Objects(git)
    here = ground(git, config, objects)
    tips = here.tips.chosen
    generated = Generated(git, config, objects)
    with MergeOrt(objects, git.state_dir / "changes") as merge:
        reader = StackReader(git, config, objects, merge, here.upstream)
        stack = reader.read(tips[Role.PICKS], tips[Role.PATCHES], here.base, check_merges=False)
    stamps = generated.stamps([commit for layer in stack.layers for commit in layer.commits])
    patches = [(layer.role, c.oid, None) for layer in stack.layers for c in layer.commits if c.oid not in stamps]
    tree = objects.commit(stack.patches.tip).tree
    now = generated.text(tree, generated.changes.path)
    parts = config.changes.file.split("/")
    above = [objects.lookup(tree, "/".join(parts[:depth]).encode()) for depth in range(1, len(parts))]
    if any(entry and not entry.is_tree for entry in above) or (
        now is None and objects.lookup(tree, generated.changes.path)
    ):
        raise Refused(
            f"{config.changes.file} is no plain file on '{config.branches.patches}'",
            hints=["name another one: file under [changes] in .poolside.toml"],
        )
    try:
        return Summary(now, written(now, generated.bullets(patches)))
    except BrokenMarkers as error:
        raise Refused(
            f"{config.changes.file} {error}",
            hints=[f"mend the two lines on '{config.branches.patches}' and commit that"],
        ) from error
