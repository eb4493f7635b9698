"""The readers, each as a function of bytes: it may refuse, and nothing else; what it gives is checked."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from git_poolside.config import Config, parse
from git_poolside.errors import PoolsideError
from git_poolside.forge.tokens import split_url
from git_poolside.git.process import Answer, Git
from git_poolside.operation import builds, journal, lock, log, push, remembered, stopped
from git_poolside.stack import changes, names, nightly, proposal, provenance, source, version, workflow
from git_poolside.stack.model import Oid
from git_poolside.terminal import clean, relayed, shown, without_passwords

Target = Callable[[bytes], None]
_STATE: list[Git] = []
_OBEYED = {*map(chr, range(0x09)), *map(chr, range(0x0B, 0x20)), *map(chr, range(0x7F, 0xA0))}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _git() -> Git:
    """A git that is never run: its folder holds the state that is read."""
    if not _STATE:
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        atexit.register(shutil.rmtree, folder)
        (folder / "poolside").mkdir()
        _STATE.append(Git(folder, folder, folder, None, {}))
    return _STATE[0]


def _put(name: str, data: bytes) -> Git:
    git = _git()
    (git.state_dir / name).write_bytes(data)
    return git


def toml(data: bytes) -> None:
    """``.poolside.toml``: what is taken names no option, no helper, no path elsewhere."""
    config = parse(data.decode("utf-8", "replace"), "x")
    for name in (*config.branches.all, config.remotes.fork, config.remotes.upstream, config.nightly.branch):
        assert not name.startswith("-") and ".." not in name and min(name) > " "
    assert "::" not in config.remotes.upstream_url
    assert all(map(names.is_path, (config.version.file, config.version.base_file, config.changes.file)))


def nightlies(data: bytes) -> None:
    """A nightly's subject, and the date or hash that a person asks for."""
    import re

    text = _text(data)
    for pattern in (Config().nightly.pattern, r"(?P<date>.*?) (?P<commit>.*)"):
        named = nightly.parse(text, re.compile(pattern), len(data) << 30)
        if named is not None:
            assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", named[0]) and re.fullmatch(r"[0-9a-f]{40}", named[1])
    nightly.choose([], text)


def messages(data: bytes) -> None:
    """A commit's message: trailers, numbers, reverts; ours added to it are read again."""
    text = _text(data)
    provenance.Provenance.of(text)
    provenance.pull_number(text, "o/r")
    provenance.undoing(text, "o/r")
    provenance.bare_title(text)
    provenance.revert_reason(text)
    provenance.without_stamp_trailers(data)
    origin = "1" * 40
    assert provenance.cherry_origin(_text(provenance.with_origin(data, origin, 12))) == origin
    proposal.offered_message(data, picked=True)
    proposal.with_pull(data, 7)


def changes_file(data: bytes) -> None:
    """The changes file: without entries of ours its words stay, and writing twice changes nothing."""
    with suppress(changes.BrokenMarkers):
        once = changes.written(data, [])
        assert changes.written(once, []) == once
        changes.section(data)
    changes.ChangesFile(b"x").same(data, data + b"* more\n")


def version_file(data: bytes) -> None:
    """The version variable: an edit changes the date alone."""
    variable = "PYTORCH_BUILD_VERSION_PREFIX"
    with suppress(version.Ambiguous):
        found = version.find(data, variable)
        if found is not None:
            new = version.impose(data, found, b"20991231", None)
            assert len(new) == len(data) and version.impose(new, found, found.date, None) == data
    version.carry(data, b'PYTORCH_BUILD_VERSION_PREFIX: "2.9.0.dev20260703+cu126.x"\n', variable)
    version.base_version(data)


def workflow_file(data: bytes) -> None:
    """The build workflow, as YAML."""
    with suppress(workflow.Unreadable):
        found = workflow.read(data)
        if found is not None:
            found.problems({"publish": "true"})


def operation_log(data: bytes) -> None:
    """An entry of the operation log."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):  # `log.entries` refuses on these
        log._from_json(json.loads(data), Oid("1" * 40), Oid("2" * 40))


def journal_file(data: bytes) -> None:
    """The journal of an interrupted movement."""
    journal.Journal.load(_put("journal.json", data))


def stopped_file(data: bytes) -> None:
    """The state of a stop."""
    stopped.load(_put("stopped.json", data))


def notes(data: bytes) -> None:
    """The lock's note, the run that is watched, the status that is remembered."""
    assert isinstance(lock.holder(_put("lock", data)), str)
    builds.remembered(_put("build.json", data))
    with suppress(TypeError, KeyError, ValueError, AttributeError, RecursionError):  # as `remembered.remembered` does
        remembered._from_json(json.loads(data))


def porcelain(data: bytes) -> None:
    """What ``git push --porcelain`` prints."""
    for ref, (flag, reason) in push.per_ref(Answer(1, data, data)).items():
        assert len(flag) == 1 and "\n" not in ref + reason


def words(data: bytes) -> None:
    """What a person calls a commit or pull request; the url of a remote."""
    text = _text(data)
    with suppress(PoolsideError):
        source.parse(text, "o/r")
    host, path = split_url(text)
    assert "@" not in host or not path


def terminal(data: bytes) -> None:
    """What reaches a terminal: nothing that it would obey, no password."""
    text = _text(data)
    assert not _OBEYED & set(clean(text))
    assert not (_OBEYED - {"\r"}) & set(relayed(text))
    assert not (_OBEYED - {"\x1b"}) & set(shown(text))
    user = (text.partition("/")[0].split() or [""])[0]
    assert "s3cret" not in without_passwords(f"https://{user}:s3cret@h/x")


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (toml, nightlies, messages, changes_file, version_file, workflow_file, operation_log, journal_file,
                   stopped_file, notes, porcelain, words, terminal)
}  # fmt: skip


def attempt(target: Target, data: bytes) -> None:
    """Run a target; a refusal, which has a message and a hint, is right."""
    try:
        target(data)
    except PoolsideError as error:
        assert error.message and error.hints
