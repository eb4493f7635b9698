"""``.poolside.toml``: from text to frozen values, and which text it is (design: Config).

The file is data: nothing in it runs a command, leaves the worktree or names a remote helper.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import tomli

from git_poolside.errors import NotAFork, Refused
from git_poolside.git.held import texts
from git_poolside.git.process import Git
from git_poolside.stack import names
from git_poolside.stack.values import as_dict, field, fields, frozen
from git_poolside.terminal import without_passwords

FILE = ".poolside.toml"


@frozen
class Remotes:
    """The two remotes by their names in git, and where upstream is when it has to be added."""

    fork: str = "origin"
    upstream: str = "upstream"
    upstream_url: str = "https://github.com/pytorch/pytorch"


@frozen
class Branches:
    """The fork's branches by their roles."""

    snapshot: str = "main"
    picks: str = "poolside-cherry-picks"
    patches: str = "poolside-main"

    @property
    def all(self) -> tuple[str, str, str]:
        return (self.snapshot, self.picks, self.patches)


@frozen
class Upstream:
    """Upstream's branch that the snapshot follows."""

    branch: str = "main"


@frozen
class NightlySource:
    """Where nightlies are read from: `source` is ``branch``, ``tags`` (a glob in `tags`) or ``tip``; `pattern` is
    matched against a nightly's subject and names its ``date`` and ``commit``.
    """

    source: str = "branch"
    branch: str = "nightly"
    tags: str = "v*"
    pattern: str = r"^(?P<date>\d{4}-\d{2}-\d{2}) nightly release \((?P<commit>[0-9a-f]{40})\)$"


@frozen
class Version:
    """The file and variable that hold the build version, and the file of upstream's that its base comes from."""

    file: str = ".github/workflows/poolside-nightly-build.yaml"
    variable: str = "PYTORCH_BUILD_VERSION_PREFIX"
    base_file: str = "version.txt"


@frozen
class Changes:
    """The file that sums the changes up."""

    file: str = "poolside-changes.md"


@frozen
class Sync:
    """What a sync does without being told; `rerere` is ``stop`` or ``accept``."""

    push: bool = False
    strict: bool = False
    rerere: str = "stop"
    submodules: str = "show"


@frozen
class Published:
    """Where published states are kept, and how many: ``forever`` or ``N states``, the newest."""

    prefix: str = "refs/poolside/published/"
    keep: str = "forever"


@frozen
class Publish:
    """The build workflow's file name and the inputs of its dispatch."""

    workflow: str = "poolside-nightly-build.yaml"
    inputs: Mapping[str, str] = field(default_factory=lambda: {"publish": "true"})


@frozen
class Github:
    """The two repositories on the forge, ``owner/name``."""

    fork: str = "poolsideai/pytorch"
    upstream: str = "pytorch/pytorch"


@frozen
class Operations:
    """How long the operation log is kept: ``forever`` or ``N days``."""

    keep: str = "90 days"


class Origin(Enum):
    """Where the configuration was found."""

    GIVEN = "given on the command line or in GIT_POOLSIDE_CONFIG"
    OPERATION = "recorded by the operation in flight"
    PATCHES = "the patches branch"
    FOREIGN = "not the patches branch"
    DEFAULTS = "the defaults"


@frozen
class Config:
    """One configuration; `origin` and `where` say which file it is, `unknown` what in it is not a key."""

    remotes: Remotes = Remotes()
    branches: Branches = Branches()
    upstream: Upstream = Upstream()
    nightly: NightlySource = NightlySource()
    version: Version = Version()
    changes: Changes = Changes()
    sync: Sync = Sync()
    published: Published = Published()
    publish: Publish = field(default_factory=Publish)
    github: Github = Github()
    operations: Operations = Operations()
    origin: Origin = Origin.DEFAULTS
    where: str = "the defaults"
    text: str = ""
    unknown: tuple[str, ...] = ()

    def ref(self, branch: str) -> str:
        return f"refs/heads/{branch}"

    def fork_ref(self, branch: str) -> str:
        """The remote-tracking ref of a branch of the fork."""
        return f"refs/remotes/{self.remotes.fork}/{branch}"

    def upstream_ref(self, branch: str) -> str:
        return f"refs/remotes/{self.remotes.upstream}/{branch}"

    def names(self, role: str) -> bool:
        """Whether the file itself names the branch of a role."""
        return bool(self.text) and role in tomli.loads(self.text).get("branches", {})

    @property
    def steers(self) -> tuple[str, ...]:
        """The tables of the file that say where things come from and go to."""
        given = tomli.loads(self.text) if self.text else {}
        return tuple(f"[{table}]" for table in ("remotes", "branches", "github") if table in given)


_TABLES = [name for name in fields(Config) if name not in ("origin", "where", "text", "unknown")]
_LONGEST_PATTERN = 1000
_CHOICES = {
    "nightly.source": ("branch", "tags", "tip"),
    "sync.rerere": ("stop", "accept"),
    "sync.submodules": ("show",),
}


def parse(text: str, where: str = FILE, origin: Origin = Origin.PATCHES) -> Config:
    """A configuration from TOML text. Raises `Refused` naming file, line and key; `unknown` keys are kept apart."""
    try:
        given = tomli.loads(text)
    except (ValueError, RecursionError) as error:  # what is nested too deep, or a number of too many digits
        raise Refused(f"{where}: {error}", hints=["mend the file, commit it on the patches branch"]) from error
    tables: dict[str, Any] = {}
    unknown: list[str] = []
    for table in _TABLES:
        values = given.pop(table, {})
        kind = type(getattr(Config(), table))
        if not isinstance(values, dict):
            raise _wrong(where, text, table, "is a table: write it as [" + table + "]")
        tables[table] = _table(kind, table, values, where, text, unknown)
    unknown += [f"{where}:{_line(text, name)}: unknown table or key '{name}'" for name in given]
    config = Config(**tables, origin=origin, where=where, text=text, unknown=tuple(unknown))
    _check(config, where, text)
    return config


@cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _table(kind: type, name: str, values: dict[str, Any], where: str, text: str, unknown: list[str]) -> Any:
    hints = _types(kind)
    accepted: dict[str, Any] = {}
    for key, value in values.items():
        attribute = key.replace("-", "_")
        if attribute not in hints or "_" in key:
            unknown.append(f"{where}:{_line(text, key)}: unknown key '{name}.{key}'")
            continue
        if hints[attribute] in (str, bool) and not isinstance(value, hints[attribute]):
            wanted = "true or false" if hints[attribute] is bool else "a string"
            raise _wrong(where, text, f"{name}.{key}", f"has to be {wanted}")
        if hints[attribute] not in (str, bool) and not (
            isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
        ):
            raise _wrong(where, text, f"{name}.{key}", "has to be a table of strings")
        if (choices := _CHOICES.get(f"{name}.{key}")) and value not in choices:
            raise _wrong(where, text, f"{name}.{key}", f"has to be one of: {', '.join(choices)}")
        accepted[attribute] = value
    return kind(**accepted)


def _check(config: Config, where: str, text: str) -> None:
    """What a value may not be, because it would become an option, a helper, a path elsewhere (edge case P13)."""
    branches = {
        "branches.snapshot": config.branches.snapshot,
        "branches.picks": config.branches.picks,
        "branches.patches": config.branches.patches,
        "upstream.branch": config.upstream.branch,
        "nightly.branch": config.nightly.branch,
        "remotes.fork": config.remotes.fork,
        "remotes.upstream": config.remotes.upstream,
    }
    for key, name in branches.items():
        if not names.is_branch(name):
            raise _wrong(where, text, key, f"is no valid name: {name!r}")
    if len(set(config.branches.all)) != 3:
        raise _wrong(where, text, "branches", "name three different branches")
    if config.remotes.fork == config.remotes.upstream:
        raise _wrong(where, text, "remotes", "name two different remotes")
    if without_passwords(config.remotes.upstream_url) != config.remotes.upstream_url:
        raise _wrong(where, text, "remotes.upstream-url", "may hold no password: git asks its credential helpers")
    if not names.is_url(config.remotes.upstream_url):
        raise _wrong(where, text, "remotes.upstream-url", "has to be a plain https, ssh, git or file url")
    for key, path in {
        "version.file": config.version.file,
        "version.base-file": config.version.base_file,
        "changes.file": config.changes.file,
    }.items():
        if not names.is_path(path):
            raise _wrong(where, text, key, f"has to be a path inside the repository, not {path!r}")
    if config.changes.file == config.version.file:
        raise _wrong(where, text, "changes.file", "has to be another file than version.file")
    if not config.version.variable.isidentifier():
        raise _wrong(where, text, "version.variable", "has to be a variable's name")
    prefix = config.published.prefix
    if not (prefix.startswith("refs/") and prefix.endswith("/") and names.is_branch(prefix[:-1])):
        raise _wrong(where, text, "published.prefix", "has to start with refs/ and end with /")
    if prefix.startswith("refs/heads/"):
        raise _wrong(where, text, "published.prefix", "may not lie among the branches")
    for key, name in {"github.fork": config.github.fork, "github.upstream": config.github.upstream}.items():
        if not names.REPOSITORY.fullmatch(name):
            raise _wrong(where, text, key, f"has to be like owner/name, not {name!r}")
    if not names.WORKFLOW.fullmatch(config.publish.workflow):
        raise _wrong(where, text, "publish.workflow", "has to be a file's name in .github/workflows, like build.yaml")
    if len(config.nightly.pattern) > _LONGEST_PATTERN:
        raise _wrong(where, text, "nightly.pattern", f"is longer than {_LONGEST_PATTERN} characters")
    try:
        pattern = re.compile(config.nightly.pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise _wrong(where, text, "nightly.pattern", f"is no regular expression: {error}") from error
    if config.nightly.source == "branch" and "commit" not in pattern.groupindex:
        raise _wrong(where, text, "nightly.pattern", "needs a group named commit: (?P<commit>[0-9a-f]{40})")
    if re.fullmatch(r"[1-9]\d{0,8} states?|forever", config.published.keep, re.ASCII) is None:
        raise _wrong(where, text, "published.keep", "has to be like '50 states', or 'forever'")
    if re.fullmatch(r"\d{1,5} days?|forever", config.operations.keep, re.ASCII) is None:
        raise _wrong(where, text, "operations.keep", "has to be like '90 days', or 'forever'")


def _wrong(where: str, text: str, key: str, what: str) -> Refused:
    line = _line(text, key.rpartition(".")[2])
    return Refused(f"{where}:{line}: {key} {what}", hints=["man poolside.toml   (says what each key is)"])


def _line(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*\[?\s*[\"']?{re.escape(key)}[\"']?\s*[=\].]", line):
            return number
    return 1


def load(git: Git, given: str | None, recorded: str | None) -> Config:
    """The configuration that rules here. Raises `Refused` where this is no poolside fork.

    In this order: the file that was `given`; what an operation in flight `recorded`; the patches branch that
    ``git config poolside.branch`` names, local, then the fork's; the worktree's root if HEAD is that branch or
    none is named; the fork's default branch; the defaults if a role branch exists.
    """
    if given is not None:
        try:
            return parse(_text(Path(given).read_bytes(), given), given, Origin.GIVEN)
        except OSError as error:
            raise Refused(
                f"cannot read the configuration '{given}': {error.strerror}",
                hints=["name another file with --config"],
            ) from error
    if recorded is not None:
        return parse(recorded, f"{FILE} (as it was when the operation began)", Origin.OPERATION)
    branch = git.setting("poolside.branch") or ""
    patches = branch if names.is_branch(branch) else Branches.patches
    tips, default = (
        (f"refs/heads/{patches}", f"refs/remotes/{Remotes.fork}/{patches}"),
        f"refs/remotes/{Remotes.fork}/HEAD",
    )
    there = texts(git, (*tips, default), FILE)
    if branch == patches:
        for ref in tips:
            found = _blob(git, ref, there)
            if found is not None:
                return parse(found, f"{FILE} of {ref.removeprefix('refs/heads/')}", Origin.PATCHES)
    path = git.worktree / FILE if git.worktree is not None else None
    if path is not None and path.is_file() and not path.is_symlink():
        head = git.try_run("symbolic-ref", "-q", "HEAD").text
        if not branch or head == f"refs/heads/{branch}":
            text = _text(path.read_bytes(), FILE)
            config = parse(text, FILE, Origin.FOREIGN)
            ours = head == f"refs/heads/{branch or config.branches.patches}"
            return parse(text, FILE, Origin.PATCHES) if ours else config
    if (found := _blob(git, default, there)) is not None:
        head = git.try_run("symbolic-ref", "-q", default).text
        config = parse(found, f"{FILE} of {Remotes.fork}'s default branch", Origin.FOREIGN)
        if head == config.fork_ref(branch or config.branches.patches):
            return parse(found, f"{FILE} of {head.removeprefix('refs/remotes/')}", Origin.PATCHES)
        return config
    if any(ref in there for ref in tips):
        if patches != Branches.patches:
            return parse(f'[branches]\npatches = "{patches}"\n', "git config poolside.branch")
        return Config()
    raise NotAFork(
        "this is not a poolside fork: there is no .poolside.toml and no branch "
        f"'{patches}', here or on '{Remotes.fork}'",
        hints=["git poolside init   (in a clone of the fork, makes it one)"],
    )


def _blob(git: Git, ref: str, there: Mapping[str, bytes | None]) -> str | None:
    """The file's text on a ref; a symbolic link is no file."""
    data = there.get(ref)
    if data is None or not git.try_run("ls-tree", ref, "--", FILE).text.startswith("100"):
        return None
    return _text(data, f"{FILE} of {ref}", "mend and commit it")


def _text(data: bytes, where: str, hint: str = "mend it") -> str:
    """The text of a file of TOML, which is UTF-8 in any locale."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"{where} is not UTF-8 text", hints=[hint]) from error


def render(config: Config) -> str:
    """The text of a ``.poolside.toml`` that holds what differs from the defaults."""
    defaults = Config()
    lines = ["# How 'git poolside' keeps this fork; every key that is not here has its default."]
    for table in _TABLES:
        mine, default = as_dict(getattr(config, table)), as_dict(getattr(defaults, table))
        changed = [(key.replace("_", "-"), value) for key, value in mine.items() if value != default[key]]
        if changed:
            lines += ["", f"[{table}]", *(f"{key} = {_toml(value)}" for key, value in changed)]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    import json

    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items()) + " }"
    return json.dumps(str(value), ensure_ascii=False)
