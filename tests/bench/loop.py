"""A rival: replays a range by one persistent ``git merge-tree --stdin``, the commits made in-process by libgit2.

``python -m tests.bench.loop BASE TIP ONTO`` in a repository prints the new tip's tree. It is what a careful
script would do: no process for each patch, nothing of git poolside in it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from types import TracebackType

from pygit2 import Odb

_COMMIT = 1
_NOBODY = b"author x <> 0 +0000\ncommitter x <> 0 +0000\n\n"
_CLEAN = re.compile(rb"1\0([0-9a-f]{40})\0\0")


class Merger:
    """Merges commits in the repository of the current folder, or of `folder`."""

    def __init__(self, folder: str = ".") -> None:
        said = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout
        version = tuple(int(n) for n in said.split()[2].split(".")[:2])
        self._named_base = version >= (2, 42)
        words = ["rev-parse", "--path-format=absolute", "--git-path", "objects"]
        place = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout
        self.odb = Odb(place.strip())
        command = ["git", "merge-tree", "--write-tree", "--stdin"]
        if version < (2, 49) and shutil.which("stdbuf"):
            command = ["stdbuf", "-o0", *command]  # it would not answer before its input ends
        if not self._named_base:
            command.append("--allow-unrelated-histories")
        self._process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Merger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):  # type: ignore[no-untyped-def]
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def commit(self, data: bytes) -> str:
        """Write a commit object; its hash."""
        return str(self.odb.write(_COMMIT, data))

    def merge(self, base: str, ours: str, theirs: str) -> str | None:
        """The tree that merging the commits `ours` and `theirs` with the base `base` gives; None for a conflict."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if not self._named_base:
            root = self.commit(b"tree %b\n%b" % (self.tree(base).encode(), _NOBODY))
            ours, theirs = (
                self.commit(b"tree %b\nparent %b\n%b" % (self.tree(one).encode(), root.encode(), _NOBODY))
                for one in (ours, theirs)
            )
        question = f"{base} -- {ours} {theirs}\n" if self._named_base else f"{ours} {theirs}\n"
        self._process.stdin.write(question.encode())
        self._process.stdin.flush()
        answer = b""
        while not (found := _CLEAN.fullmatch(answer)):
            answer += (more := self._process.stdout.read1())  # type: ignore[attr-defined]
            if not more or (answer.startswith(b"0") and answer.endswith(b"\0\0")):
                return None
        return found[1].decode()

    def tree(self, commit: str) -> str:
        """The tree of a commit."""
        return bytes(self.odb.read(commit)[1][5:45]).decode()


def main(base: str, tip: str, onto: str) -> None:
    """Replay `base`..`tip` onto `onto`; a patch that comes out empty is dropped. A conflict ends the program."""
    words = ["rev-list", "--reverse", "--topo-order", "--parents", tip, f"^{base}"]
    listing = subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout
    who = subprocess.run(["git", "var", "GIT_COMMITTER_IDENT"], capture_output=True, check=True).stdout.rstrip()
    with Merger() as merger:
        new, tree = onto, merger.tree(onto)
        for line in listing.splitlines():
            patch, parent = line.split()
            result = merger.merge(parent, new, patch)
            if result is None:
                sys.exit(f"{patch} conflicts")
            if result == tree:
                continue
            data: bytes = merger.odb.read(patch)[1]
            header, _, message = data.partition(b"\n\n")
            author = next(one for one in header.split(b"\n") if one.startswith(b"author "))
            lines = [b"tree " + result.encode(), b"parent " + new.encode(), author, b"committer " + who]
            new, tree = merger.commit(b"\n".join(lines) + b"\n\n" + message), result
    print(tree)


if __name__ == "__main__":
    main(*sys.argv[1:])
