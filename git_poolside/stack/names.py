"""What a name that comes from elsewhere may be, so that it becomes no option, no helper and no path elsewhere (P13)."""

from __future__ import annotations

import re

from git_poolside.terminal import without_passwords

_BRANCH = re.compile(r"(?![-.]|@\Z)(?!.*(?:\.\.|@\{|//|/\.|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\/](?:[^\x00-\x20\x7f~^:?*\[\\]*[^\x00-\x20\x7f~^:?*\[\\/.])?\Z")  # fmt: skip  # noqa: E501
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/(?!\.\.?\Z)[A-Za-z0-9._-]+")
WORKFLOW = re.compile(r"(?!\.)[\w.-]+\.ya?ml", re.ASCII)
_URL = re.compile(r"(?:(?:https?|ssh|git|file)://|/|\.{1,2}/|[\w.-]+@[\w.-]+:|[\w.-]+:(?!:))[^\x00-\x20]+\Z")
_LIKE_AN_OPTION = re.compile(r"(?:\A|//|@)-")
_UNSEEN = frozenset("\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff").union(
    map(chr, range(0x206A, 0x2070))
)
"""What HFS+ takes no notice of in a name (git's utf8.c, next_hfs_char)."""


def is_branch(name: str) -> bool:
    """Whether a branch or a remote may be called so (git-check-ref-format(1))."""
    return _BRANCH.match(name) is not None


def is_url(url: str) -> bool:
    """Whether a url is one that git fetches by itself: no ``ext::`` or other helper, nothing like an option to git or,
    as its host, to ssh; and no password in it.
    """
    plain = "::" not in url and _LIKE_AN_OPTION.search(url) is None and without_passwords(url) == url
    return plain and _URL.match(url) is not None


def is_path(path: str) -> bool:
    """Whether a path names a file of the repository on every system, by the rules of git's own ``verify_path``: no
    way out, no ``.git`` as any file system may read it, no option and no magic of gitglossary(7)'s pathspec.
    """
    if not path or path[0] in "/-:" or not path.isprintable() or "\\" in path:
        return False
    for part in path.split("/"):
        read = "".join(c for c in part if c not in _UNSEEN).partition(":")[0].rstrip(". ").lower()
        if read in ("", ".git", "git~1"):
            return False
    return True
