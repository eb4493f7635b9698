"""The two histories: lagoon, a small machine-learning library with nightlies, and a fork of it kept by hand.

The dates are fixed, so that every run makes the same commits.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from git_poolside.stack.values import field, mutable

SOFTMAX = "lagoon/kernels/softmax.py"
WORKFLOW = ".github/workflows/poolside-nightly-build.yaml"


class Person(NamedTuple):
    name: str
    email: str


US = Person("Robin Pool", "robin@poolside.example")
BOT = Person("lagoon merge bot", "bot@lagoon.example")


class Edit(NamedTuple):
    """`old` becomes `new` in a file; a file with no `old` text is new."""

    path: str
    old: str
    new: str

    @property
    def back(self) -> Edit:
        return Edit(self.path, self.new, self.old)


@mutable
class Branch:
    """A branch that commits are put on without a worktree; `files` is what its tip holds."""

    repository: Path
    environment: Mapping[str, str]
    name: str
    files: dict[str, str] = field(default_factory=dict)
    tip: str = ""

    def commit(self, edits: Sequence[Edit], message: str, author: Person, when: str, committer: Person = US) -> str:
        """A commit with the branch's next state (git-fast-import(1)); its hash."""
        for path, old, new in edits:
            assert old in self.files.get(path, ""), f"{path} does not say {old!r}"
            self.files[path] = self.files.get(path, "").replace(old, new, 1)
        stamp = int(datetime.fromisoformat(f"{when}+00:00").timestamp())
        lines = [f"commit refs/heads/{self.name}", "mark :1"]
        lines += [f"author {author.name} <{author.email}> {stamp} +0000"]
        lines += [f"committer {committer.name} <{committer.email}> {stamp} +0000", _data(message)]
        lines += [f"from {self.tip}"] if self.tip else []
        for path in dict.fromkeys(edit.path for edit in edits):
            text = self.files[path]
            lines += [f"M 100644 inline {path}", _data(text)] if text else [f"D {path}"]
        lines += ["get-mark :1", "done", ""]
        words = ("fast-import", "--quiet", "--done", "--force")
        self.tip = _git(self.repository, self.environment, *words, input="\n".join(lines))
        return self.tip

    def nightly(self, date: str, commit: str) -> None:
        """An entry of the nightly branch as pytorch's action makes it: the commit's tree, its hash in the subject."""
        dated = {f"GIT_{who}_DATE": f"{date}T07:00:00Z" for who in ("AUTHOR", "COMMITTER")}
        words = ["commit-tree", f"{commit}^{{tree}}", "-m", f"{date} nightly release ({commit})"]
        words += ["-p", self.tip] if self.tip else []
        self.tip = _git(self.repository, self.environment, *words, dated=dated)
        _git(self.repository, self.environment, "update-ref", f"refs/heads/{self.name}", self.tip)


ANA = Person("Ana Reyes", "ana@lagoon.example")
TOM = Person("Tomasz Wilk", "tomasz@lagoon.example")
MEI = Person("Mei Lindqvist", "mei@lagoon.example")

BEGIN = (
    Edit("version.txt", "", "0.9.0a0\n"),
    Edit("README.md", "", "# lagoon\n\nA small machine-learning library.\n"),
    Edit(
        "setup.py",
        "",
        "from setuptools import setup\n\n"
        'INDEX = "https://wheels.lagoon.example/nightly"\n\n'
        'setup(\n    name="lagoon",\n    version=open("version.txt").read().strip(),\n'
        '    packages=["lagoon", "lagoon.kernels"],\n    install_requires=["numpy>=1.26"],\n)\n',
    ),
    Edit("lagoon/__init__.py", "", "from lagoon.linear import Linear\nfrom lagoon.loader import Loader\n"),
    Edit(
        SOFTMAX,
        "",
        '"""Softmax over the last axis."""\n\nimport numpy as np\n\n\n'
        "def softmax(scores):\n"
        "    weights = np.exp(scores)\n"
        "    return weights / weights.sum(axis=-1, keepdims=True)\n",
    ),
    Edit(
        "lagoon/kernels/attention.py",
        "",
        "import numpy as np\n\nfrom lagoon.kernels.softmax import softmax\n\n\n"
        "def attention(query, key, value):\n"
        "    scores = query @ key.swapaxes(-1, -2)\n"
        "    return softmax(scores / np.sqrt(query.shape[-1])) @ value\n",
    ),
    Edit(
        "lagoon/linear.py",
        "",
        "class Linear:\n    def __init__(self, weight, bias):\n"
        "        self.weight = weight\n        self.bias = bias\n\n"
        "    def __call__(self, x):\n        y = x @ self.weight\n        return y + self.bias\n",
    ),
    Edit(
        "lagoon/loader.py",
        "",
        "import queue\n\n\nclass Loader:\n"
        '    """Reads batches ahead, in a thread of its own."""\n\n'
        "    def __init__(self, file):\n        self.file = file\n"
        "        self.ahead = queue.Queue(maxsize=2)\n\n"
        "    def __iter__(self):\n        while (batch := self.ahead.get()) is not None:\n"
        "            yield batch\n\n"
        "    def stop(self):\n        self.ahead.put(None)\n",
    ),
)
FUSE = [Edit("lagoon/linear.py", "        y = x @ self.weight\n        return y + self.bias\n",
             "        y = x @ self.weight\n        y += self.bias  # in place: no second buffer\n        return y\n")]  # fmt: skip  # noqa: E501
BLOCKS = [Edit("lagoon/kernels/attention.py",
               "    return softmax(scores / np.sqrt(query.shape[-1])) @ value\n",
               "    scale = 1 / np.sqrt(query.shape[-1])\n"
               "    rows = [softmax(row * scale) @ value for row in np.array_split(scores, 8, axis=-2)]\n"
               "    return np.concatenate(rows, axis=-2)\n")]  # fmt: skip
MAXIMUM = [Edit(SOFTMAX, "    weights = np.exp(scores)\n",
                "    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))\n")]  # fmt: skip
FLOAT32 = [
    Edit(SOFTMAX, "over the last axis.", "over the last axis, in float32 whatever the scores are."),
    Edit(SOFTMAX, "    weights = np.exp(scores)\n", "    weights = np.exp(scores.astype(np.float32))\n"),
    Edit(
        "tests/test_softmax.py",
        "",
        "import numpy as np\n\nfrom lagoon.kernels.softmax import softmax\n\n\n"
        "def test_half_precision_sums_to_one():\n"
        "    scores = np.zeros((1, 4096), dtype=np.float16)\n"
        "    assert abs(softmax(scores).sum() - 1) < 1e-6\n",
    ),
]
CLOSE = [Edit("lagoon/loader.py", "        self.ahead.put(None)\n",
              "        self.ahead.put(None)\n        self.file.close()\n")]  # fmt: skip
QUEUE = [Edit("lagoon/loader.py", "maxsize=2", "maxsize=16")]
INDEX = [Edit("setup.py", "https://wheels.lagoon.example/nightly", "https://wheels.poolside.example/lagoon")]
BUILD = [Edit(WORKFLOW, "",
              "name: poolside-linux-binary-manywheel\n"
              "on:\n  workflow_dispatch:\n    inputs:\n      publish:\n        type: choice\n"
              '        options: ["true", "false"]\n        default: "true"\n'
              "env:\n"
              '  PYTORCH_BUILD_VERSION_PREFIX: "0.9.0.dev20260629+cu126.poolside"\n'
              "jobs:\n  build:\n    runs-on: poolside-builder\n    steps:\n"
              "      - uses: actions/checkout@v4\n      - run: python -m build --wheel\n")]  # fmt: skip
PATCHES = (
    (BUILD, "Build our own nightly wheels"),
    (INDEX, "Name our own package index"),
    (FLOAT32, "Compute softmax in float32"),
    (QUEUE, "Read sixteen batches ahead"),
    (CLOSE, "Close the file when a loader stops"),
    ([Edit(WORKFLOW, "20260629", "20260710")], "Build the nightly of 2026-07-10"),
)


def build(root: Path, environment: Mapping[str, str]) -> None:
    """Upstream and the fork's server as bare repositories in `root`, and a clone of the fork."""
    for name, head in (("upstream.git", "main"), ("fork.git", "poolside-main")):
        _git(root, environment, "init", "-q", "--bare", "-b", head, name)
    main = Branch(root / "upstream.git", environment, "main")
    nightly = Branch(root / "upstream.git", environment, "nightly")

    def land(edits: Sequence[Edit], title: str, number: int, author: Person, when: str, body: str = "") -> str:
        resolved = f"Pull Request resolved: https://github.com/lagoon-ml/lagoon/pull/{number}\n"
        return main.commit(edits, f"{title} (#{number})\n\n{body}{resolved}", author, when, BOT)

    main.commit(BEGIN, "Begin the library\n", ANA, "2026-06-01 09:00", BOT)
    base = land(_readme("library.\n", "\n## Kernels\n"), "Begin a list of the kernels", 401, MEI, "2026-07-09 15:12")
    files = dict(main.files)
    nightly.nightly("2026-07-10", base)
    fused = land(FUSE, "Add the bias in place", 404, TOM, "2026-07-10 11:30")
    blocks = land(BLOCKS, "Compute attention in blocks of rows", 407, ANA, "2026-07-10 16:05",
                  "A long sequence needs an eighth of the memory.\n\n")  # fmt: skip
    nightly.nightly("2026-07-11", blocks)
    nightly.nightly("2026-07-12", blocks)
    land(_readme("## Kernels\n", "\n- attention\n"), "List the attention kernel", 409, MEI, "2026-07-13 09:40")
    land(CLOSE, "Close the file when a loader stops", 410, US, "2026-07-13 14:21")
    land(MAXIMUM, "Subtract the maximum in softmax", 412, TOM, "2026-07-14 10:02",
         "exp overflows for scores above 709.\n\n")  # fmt: skip
    nightly.nightly("2026-07-15", main.tip)
    main.commit(
        [edit.back for edit in BLOCKS],
        'Revert "Compute attention in blocks of rows (#407)"\n\n'
        f"This reverts commit {blocks}.\n\n"
        "Reverted https://github.com/lagoon-ml/lagoon/pull/407 on behalf of https://github.com/mei-lindqvist "
        "due to short sequences became slower\n",
        BOT,
        "2026-07-15 12:48",
        BOT,
    )
    land(_readme("- attention\n", "- softmax\n"), "List the softmax kernel", 413, MEI, "2026-07-16 08:55")
    nightly.nightly("2026-07-16", main.tip)
    land(_readme("library.\n", "\nIt wants numpy 1.26 or newer.\n"), "Say what is needed", 415, ANA, "2026-07-16 17:20")
    nightly.nightly("2026-07-17", main.tip)

    server = root / "fork.git"
    _git(server, environment, "fetch", "-q", "../upstream.git", f"{base}:refs/heads/main")
    picks = Branch(server, environment, "poolside-cherry-picks", files, base)
    picked = "(cherry picked from commit {})\n"
    picks.commit(FUSE, "Add the bias in place (#404)\n\n" + picked.format(fused), TOM, "2026-07-10 14:00")
    picks.commit(BLOCKS, "Compute attention in blocks of rows (#407)\n\n" + picked.format(blocks), ANA,
                 "2026-07-10 17:30")  # fmt: skip
    patches = Branch(server, environment, "poolside-main", files, picks.tip)
    for minute, (edits, title) in enumerate(PATCHES):
        patches.commit(edits, f"{title}\n", US, f"2026-07-10 18:{minute:02}")
    _git(root, environment, "clone", "-q", "fork.git", "clone")


def _readme(after: str, text: str) -> list[Edit]:
    return [Edit("README.md", after, after + text)]


def _git(
    folder: Path,
    environment: Mapping[str, str],
    *words: str,
    input: str = "",
    dated: Mapping[str, str] | None = None,
) -> str:
    done = subprocess.run(
        ["git", *words],
        input=input.encode(),
        stdout=subprocess.PIPE,
        cwd=folder,
        env={**environment, **(dated or {})},
        check=True,
    )
    return done.stdout.decode().strip()


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"
