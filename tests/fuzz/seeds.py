"""What well-formed input looks like, for each target: what is fuzzed begins from these."""

from __future__ import annotations

import json

from git_poolside.config import Config, render
from tests.scenario import workflow

_OID = "1" * 40
_ORDER = {
    "command": ["sync"], "target": _OID, "date": "2026-07-03", "nightly": None, "upstream": _OID, "refs": {"r": _OID},
    "tips": {"picks": _OID}, "leases": {}, "identity": "A <a@x> 1 +0000", "keep": {}, "drop": {}, "skip": {},
    "resolutions": {_OID: [_OID]}, "made": {}, "allow": [], "rerere": [], "adopt": False, "strict": False,
    "push": False, "exec": None, "config": "", "notes": [],
}  # fmt: skip
_STOPPED = {
    "order": _ORDER, "kind": "conflict", "worktree": "/w", "head": "refs/heads/x", "head_oid": _OID, "role": "picks",
    "patch": _OID, "subject": "s", "partial": _OID, "paths": ["a"], "touched": ["a"], "origin": None,
}  # fmt: skip
_JOURNAL = {"action": "poolside sync", "phase": "refs", "stop": False, "changes": [["r", None, _OID]],
            "worktrees": [["/w", "r", _OID, _OID]]}  # fmt: skip
_PATCH = {"role": "picks", "old": _OID, "new": None, "subject": "s", "fate": "dropped", "verdict": "landed",
          "landed": _OID}  # fmt: skip
_ENTRY = {"kind": "sync", "command": ["sync"], "time": "2026-07-03T00:00:00Z", "patches": [_PATCH],
          "refs": {"refs/heads/x": {"before": None, "after": _OID}}, "leases": {}}  # fmt: skip
_MESSAGES = (
    f'Revert "X (#12)"\n\nThis reverts commit {_OID}.\n\n'
    "Reverted https://github.com/o/r/pull/12 on behalf of x due to y\n",
    f"X (#12) (#13)\n\nPull Request resolved: https://github.com/o/r/pull/13\n\n(cherry picked from commit {_OID})\n",
    f"Set the version\n\nPoolside-Nightly: 2026-07-03\nPoolside-Upstream: {_OID}\n"
    f"Poolside-Dropped: {_OID} {_OID} picks\n",
    '[reland] Back out "Revert "X (#12)""\n\nReland of https://github.com/o/r/pull/12, #13 and #14\n',
)
_CHANGES = (
    "# poolside changes compared to upstream:\n\n* [16th Dec 2024] Added READMEs. [PR](https://github.com/o/r/pull/1).\n"
    "<!-- poolside: begin -->\n* [2026-07-03] X <!-- poolside 01234567 0a1b2c waiting -->\n<!-- poolside: end -->\n"
)
SEEDS: dict[str, tuple[bytes, ...]] = {
    "toml": (render(Config()).encode(), b'[branches]\npicks = "p"\n[nightly]\npattern = "(?P<commit>x)"\n',
             b'[remotes]\nupstream-url = "https://h/x"\n[publish]\ninputs = { a = "b" }\n[changes]\nfile = "a/b.md"\n'),
    "nightlies": (f"2026-07-03 nightly release ({_OID})".encode(), b"2026-07-03", _OID.encode()),
    "messages": tuple(message.encode() for message in _MESSAGES),
    "changes_file": (_CHANGES.encode(),),
    "version_file": (workflow().encode(), b"2.6.0a0+git1234567\n"),
    "workflow_file": (
        workflow().encode(),
        b"on:\n  workflow_dispatch:\n    inputs:\n      publish:\n        type: choice\n"
        b"        options: ['true', 'false']\n        default: 'true'\n        required: true\n",
    ),
    "operation_log": (json.dumps(_ENTRY).encode(),),
    "journal_file": (json.dumps(_JOURNAL).encode(),),
    "stopped_file": (json.dumps(_STOPPED).encode(),),
    "notes": (b'{"command": "sync", "pid": 1, "host": "h"}',),
    "porcelain": (
        b"To x\n=\trefs/heads/a:refs/heads/a\t[up to date]\n!\tr:refs/heads/b\t[rejected] (stale info)\nDone\n",
    ),
    "words": (b"#12", b"https://github.com/o/r/pull/12", b"o/r#12", b"a..b",
              b"git@github.com:o/r.git", b"https://[::1]:x/o"),
    "terminal": (b"\x1b[31mred\x1b[m https://user:word@host/x \x1b]8;;https://x\x1b\\x\x1b]8;;\x1b\\\r\n",),
}  # fmt: skip
