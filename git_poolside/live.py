"""Live values for the shells' completion: ``git-poolside --complete KIND...`` prints ``VALUE TAB MEANING`` lines.

It takes no longer than a Python that does nothing takes twice, so it imports next to nothing and reads the names of
branches by itself where ``.poolside.toml`` is plain. It never fetches, and where something is wrong it is silent.
Nothing that a terminal or a shell would obey is in a line (edge case P13).
"""

from __future__ import annotations

import os
import sys

from git_poolside.errors import ALLOWABLE_SNAGS, PoolsideError
from git_poolside.git.brief import ask
from git_poolside.terminal import by_line, clean

TYPE_CHECKING = False  # as type checkers read it; typing is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Lines = Iterable[tuple[str, str]]

_MANY = "60"
_DEFAULTS = {
    "remotes.fork": "origin",
    "remotes.upstream": "upstream",
    "branches.snapshot": "main",
    "branches.picks": "poolside-cherry-picks",
    "branches.patches": "poolside-main",
    "upstream.branch": "main",
    "nightly.source": "branch",
    "nightly.branch": "nightly",
    "nightly.pattern": "",
    "published.prefix": "refs/poolside/published/",
}
"""What is needed of the configuration; an empty pattern is the default one, which is read without `re`."""


def answer(kinds: list[str]) -> int:
    """Print the values of each kind. An unknown kind has none."""
    config: Mapping[str, str] = {}
    lines: dict[str, str] = {}
    for kind in kinds:
        if kind in _FIXED:
            found = _FIXED[kind]()
        elif kind in _CONFIGURED:
            config = config or _configuration()
            found = _CONFIGURED[kind](config)
        else:
            continue
        for value, meaning in found:
            lines.setdefault(value, meaning)
    shown = [f"{value}\t{_one_line(meaning)}\n" for value, meaning in lines.items() if _one_line(value) == value]
    said = "".join(shown).encode("utf-8", "replace")
    while said:
        said = said[os.write(sys.stdout.fileno(), said) :]
    return 0


def _one_line(text: str) -> str:
    return clean(text).replace("\t", " ").replace("\n", " ")


def plain(text: str) -> dict[str, str] | None:
    """The strings of a ``.poolside.toml`` by ``table.key``; None where it uses more of TOML than a line a key."""
    found: dict[str, str] = {}
    table = ""
    for line in text.split("\n"):
        line = line.strip(" \t\r")
        if not line or line[0] == "#":
            continue
        if line[0] == "[":
            name, bracket, rest = line[1:].partition("]")
            if not bracket or not _bare(name) or not _over(rest):
                return None
            table = name
            continue
        key, equals, value = (part.strip(" \t") for part in line.partition("="))
        if not equals or not _bare(key):
            return None
        if value[:1] in ("'", '"'):
            quote = value[0]
            content, closing, rest = value[1:].partition(quote)
            if not closing or not _over(rest):
                return None
            if quote == '"' and "\\" in content:
                if "\\" in content.replace("\\\\", ""):
                    return None
                content = content.replace("\\\\", "\\")
            found[f"{table}.{key}"] = content
        elif value.partition("#")[0].strip(" \t") not in ("true", "false", '{ publish = "true" }'):
            return None
    return found


def _bare(name: str) -> bool:
    return name.isascii() and name.replace("-", "").isalnum()


def _over(rest: str) -> bool:
    """Whether nothing but a comment follows on the line."""
    rest = rest.strip(" \t")
    return not rest or rest[0] == "#"


def _configuration() -> Mapping[str, str]:
    """The names that rule here, as `config.load` finds them but for an operation in flight."""
    if given := os.environ.get("GIT_POOLSIDE_CONFIG"):
        try:
            with open(given, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to import
                return _read(file.read())
        except (OSError, UnicodeDecodeError):
            return _DEFAULTS
    branch = ask("config", "--get", "poolside.branch").strip()
    patches = branch or _DEFAULTS["branches.patches"]
    places = [f"refs/heads/{patches}", f"refs/remotes/origin/{patches}", "HEAD", "refs/remotes/origin/HEAD"]
    said = ask("cat-file", "--batch", input="".join(f"{place}:.poolside.toml\n" for place in places))
    while said:
        head, _, said = said.partition("\n")
        words = head.rsplit(" ", 2)
        if len(words) == 3 and words[1] == "blob":
            return _read(said.encode("utf-8", "surrogateescape")[: int(words[2])].decode("utf-8", "replace"))
    return {**_DEFAULTS, "branches.patches": patches}


def _read(text: str) -> Mapping[str, str]:
    found = plain(text)
    if found is None or "nightly.pattern" in found:
        from git_poolside.config import parse

        try:
            config = parse(text)
        except PoolsideError:
            return _DEFAULTS
        found = {}
        for name in _DEFAULTS:
            table, _, key = name.partition(".")
            found[name] = getattr(getattr(config, table), key)
    return {**_DEFAULTS, **found}


def _upstream(config: Mapping[str, str], branch: str = "upstream.branch") -> str:
    return f"refs/remotes/{config['remotes.upstream']}/{config[branch]}"


def _places(config: Mapping[str, str], role: str) -> tuple[str, str]:
    """The refs where a layer's tip may be: the local branch, the fork's."""
    name = config[f"branches.{role}"]
    return f"refs/heads/{name}", f"refs/remotes/{config['remotes.fork']}/{name}"


def _not(config: Mapping[str, str], role: str) -> tuple[str, ...]:
    return tuple(f"^{place}" for place in _places(config, role))


def _log(*words: str, format: str = "%s") -> list[tuple[str, str]]:
    """Commits as pairs of hash and subject."""
    lines = by_line(ask("log", f"--format=%H {format}", *words))
    return [(hash, text) for hash, _, text in (line.partition(" ") for line in lines)]


def _commits(*words: str) -> Lines:
    return [(hash[:9], subject) for hash, subject in _log(*words)]


def _nightlies(config: Mapping[str, str]) -> Lines:
    """The newest ones down to that which the snapshot stands on, with the subject of the commit that each names."""
    if config["nightly.source"] == "tip":
        return []
    if config["nightly.source"] == "tags":
        listing = "%(committerdate:short)%(*committerdate:short) %(refname:lstrip=4)"
        tags = f"refs/poolside/nightly-tags/{config['remotes.upstream']}/"
        lines = ask("for-each-ref", "--sort=-creatordate", f"--count={_MANY}", f"--format={listing}", tags)
        return [(day, what) for day, _, what in (line.partition(" ") for line in by_line(lines))]
    named = _named(config)
    marks = (f"--decorate-refs={place}" for place in _places(config, "snapshot"))
    words = ("--no-walk=unsorted", "--ignore-missing", *marks, *dict.fromkeys(named.values()), "--")
    what = {hash: text.partition("\t") for hash, text in _log(*words, format="%D%x09%s")}
    found: list[tuple[str, str]] = []
    for date, commit in named.items():
        stands_here, _, subject = what.get(commit, ("", "", commit[:9]))
        if stands_here:
            break
        found.append((date, subject))
    return found


def _named(config: Mapping[str, str]) -> dict[str, str]:
    """The commit that the last nightly of each date names."""
    listed = ask("log", "--first-parent", "-n", _MANY, "--format=%ct %s", _upstream(config, "nightly.branch"), "--")
    found: dict[str, str] = {}
    subjects = None
    if config["nightly.pattern"]:
        from git_poolside.git.subjects import Subjects

        subjects = Subjects(config["nightly.pattern"], 0.2)
    for line in by_line(listed):
        seconds, _, subject = line.partition(" ")
        if subjects is not None:
            try:
                named = subjects.parse(subject, int(seconds))
            except PoolsideError:
                break
            if named is not None:
                found.setdefault(*named)
            continue
        date, marked, commit = subject.partition(" nightly release (")
        if marked and len(date) == 10 and len(commit) == 41:
            found.setdefault(date, commit[:40])
    return found


def _layer(config: Mapping[str, str], role: str, *words: str) -> Lines:
    """The commits of a layer, of the local branch or else of the fork's."""
    for place in _places(config, role):
        if found := _commits("--ignore-missing", place, f"^{_upstream(config)}", *words, "--"):
            return found
    return []


def _picks(config: Mapping[str, str]) -> Lines:
    """Oldest first, as ``cherry-pick list`` has them."""
    return _layer(config, "picks", "--reverse")


def _patches(config: Mapping[str, str]) -> Lines:
    """The fork's own patches, newest first, without the stamp."""
    return _layer(config, "patches", *_not(config, "picks"), "--invert-grep", "--grep=^Poolside-Nightly: ")


def _incoming(config: Mapping[str, str]) -> Lines:
    """Upstream's newest commits that the snapshot has not."""
    return _commits("--ignore-missing", "-n", "500", _upstream(config), *_not(config, "snapshot"), "--")


def _operations() -> Lines:
    """The newest operations by id; each is a commit with the file that its id is the hash of."""
    chain = _log("--first-parent", "-n", _MANY, "refs/poolside/operations", "--")
    questions = "".join(f"{hash}:operation.json\n" for hash, _ in chain)
    blobs = by_line(ask("cat-file", "--batch-check", input=questions)) if chain else []
    pairs = zip(chain, blobs, strict=False)
    return [(blob[:12], command) for (_, command), blob in pairs if blob.split(" ")[1:2] == ["blob"]]


def _published(config: Mapping[str, str]) -> Lines:
    """The published states, newest first, by date and number."""
    prefix = config["published.prefix"]
    listing = "%(refname) %(*subject)"
    order = ("--sort=-version:refname", f"--count={_MANY}")
    lines = by_line(ask("for-each-ref", *order, f"--format={listing}", prefix))
    return [(ref.removeprefix(prefix), subject) for ref, _, subject in (line.partition(" ") for line in lines)]


def _branches() -> Lines:
    listing = "--format=%(refname:short)%09%(subject)"
    pairs = (line.partition("\t") for line in by_line(ask("for-each-ref", listing, "refs/heads")))
    return [(name, subject) for name, _, subject in pairs]


def _snags() -> Lines:
    return ALLOWABLE_SNAGS.items()


_FIXED: Mapping[str, Callable[[], Lines]] = {"operations": _operations, "branches": _branches, "snags": _snags}
_CONFIGURED: Mapping[str, Callable[[Mapping[str, str]], Lines]] = {
    "nightlies": _nightlies,
    "picks": _picks,
    "patches": _patches,
    "incoming": _incoming,
    "published": _published,
}
KINDS = (*_FIXED, *_CONFIGURED)
