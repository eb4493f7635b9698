"""Bad input: a clear message, the documented exit code, nothing lost, no traceback."""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import apart
from tests.conftest import TEN, Run
from tests.scenario import Repo, Result, World


def unchanged(clone: Repo, poolside: Run, *command: str) -> Result:
    """Run a command that must change nothing and must say what to do; its result."""
    state = clone.refs("refs/heads"), clone.git("status", "--porcelain"), (clone.path / ".git/HEAD").read_text()
    result = poolside(clone, *command)
    assert (
        clone.refs("refs/heads"),
        clone.git("status", "--porcelain"),
        (clone.path / ".git/HEAD").read_text(),
    ) == state
    assert "Traceback" not in result.err
    assert result.status != 70, result.err
    assert result.status == 0 or "hint: " in result.err, result.err
    return result


# What is asked for


def test_an_unknown_date(simple: World, poolside: Run) -> None:
    result = unchanged(simple.clone(), poolside, "sync", "--nightly", "2026-01-01")
    assert result.status == 1
    assert "2026-01-01" in result.err.splitlines()[0]


@pytest.mark.parametrize("date", ["yesterday", "2026-13-45", "", "--push", "2026-07-10\x1b[31m"])
def test_what_is_no_date(simple: World, poolside: Run, date: str) -> None:
    result = unchanged(simple.clone(), poolside, "sync", f"--nightly={date}")
    assert result.status in (1, 129)
    assert "\x1b" not in result.err


def test_a_hash_that_is_not_on_upstream_main(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    own = clone.rev("poolside-main")
    result = unchanged(clone, poolside, "sync", "--onto", own)
    assert result.status == 1
    assert result.err.splitlines()[0] == f"error: {own[:12]} is not on upstream's branch (upstream/main)"


@pytest.mark.parametrize("name", ["0" * 40, "nothing", "-x", "main:README.md", "HEAD^{tree}"])
def test_a_name_that_is_no_commit(simple: World, poolside: Run, name: str) -> None:
    result = unchanged(simple.clone(), poolside, "sync", f"--onto={name}")
    assert (result.status, result.err.splitlines()[0]) == (1, f"error: '{name}' names no commit here")


def test_a_patch_that_is_not_in_the_stack(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    for option in ("--keep", "--drop"):
        result = unchanged(clone, poolside, "sync", option, "no such patch")
        assert result.err.splitlines()[0] == "error: no patch of the stack is called 'no such patch'"
    result = unchanged(clone, poolside, "sync", "--drop", "u")
    assert result.err.splitlines()[0] == "error: several patches of the stack are called 'u':"


@pytest.mark.parametrize(
    "arguments",
    [["--frobnicate"], ["--nightly"], ["--nightly", "2026-07-10", "--onto", "x"], ["--continue", "--abort"],
     ["--continue", "--push"], ["--allow", "diverged"], ["--allow", "nonsense"], ["extra"]],
)  # fmt: skip
def test_usage_is_129(simple: World, poolside: Run, arguments: list[str]) -> None:
    clone = simple.clone()
    before = clone.refs("refs")
    result = poolside(clone, "sync", *arguments)
    assert (result.status, result.out) == (129, "")
    assert "error: " in result.err
    assert clone.refs("refs") == before


@pytest.mark.parametrize(
    "command", ["status", "sync", "push", "log", "undo", "nightly", "init", "doctor", "range-diff"]
)
def test_not_a_repository_is_128(tmp_path: Path, poolside: Run, command: str) -> None:
    result = poolside(tmp_path, command)
    assert (result.status, result.out) == (128, "")
    assert result.err.splitlines() == [
        "fatal: not a git repository (or any of the parent directories): .git",
        f"hint: git -C DIR poolside {command}   (in a clone of the fork)",
    ]


def test_a_repository_of_somebody_else_is_128_with_the_way_to_trust_it(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = simple.clone()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    result = poolside(clone, "status")
    assert (result.status, result.err.splitlines()) == (
        128,
        [
            f"fatal: detected dubious ownership in repository at '{clone.path}'",
            f"hint: git config --global --add safe.directory {clone.path}   (if you trust it)",
        ],
    )


def test_an_error_under_json_is_an_object(tmp_path: Path, simple: World, poolside: Run) -> None:
    said = json.loads(poolside(tmp_path, "status", "--json").out)
    assert (said["schema"], said["outcome"], said["exit"], said["snags"]) == (1, "error", 128, [])
    said = json.loads(poolside(simple.clone(), "sync", "--nightly", "2026-01-01", "--json").out)
    assert (said["outcome"], said["exit"], bool(said["hints"])) == ("refused", 1, True)


# The repository


def test_a_clone_that_is_no_poolside_fork(world: World, tmp_path: Path, poolside: Run) -> None:
    repo = Repo(tmp_path / "plain", world.env)
    repo.path.mkdir()
    repo.git("init", "-q")
    for command in ("status", "sync", "push", "undo"):
        result = poolside(repo, command)
        assert (result.status, "hint: git poolside init" in result.err) == (1, True), result.err


def test_a_sha256_repository(tmp_path: Path, world: World, poolside: Run) -> None:
    repo = Repo(tmp_path / "sha256", world.env)
    repo.path.mkdir()
    repo.git("init", "-q", "--object-format=sha256")
    for command in ("status", "sync", "init"):
        result = poolside(repo, command)
        assert (result.status, result.err.splitlines()[0]) == (
            1,
            "error: this repository uses sha256 object names, which poolside cannot read",
        )


def test_a_damaged_object_is_told_in_gits_words(simple: World, poolside: Run) -> None:
    """The root of the patches is another one than its name says."""
    clone = simple.clone()
    good, bad = clone.rev("HEAD^{tree}"), clone.tree({"other": "other\n"})
    for file in (clone.path / ".git/objects/pack").iterdir():
        file.rename(clone.path / file.name)
    [pack] = clone.path.glob("*.pack")
    clone.git("unpack-objects", "-q", input=pack.read_bytes())
    (clone.path / f".git/objects/{bad[:2]}/{bad[2:]}").replace(clone.path / f".git/objects/{good[:2]}/{good[2:]}")
    for words in (["sync"], ["doctor"]):
        result = poolside(clone, *words)
        assert (result.status, result.out, result.err.splitlines()) == (
            128,
            "",
            [
                f"fatal: 'git cat-file {good}' failed (exit 128): error: hash mismatch {good}",
                "fatal: Needed a single revision",
                "hint: git fsck   (tells what is damaged)",
            ],
        )


def test_a_shallow_clone(simple: World, poolside: Run) -> None:
    clone = simple.clone("shallow", "--depth=1", "--no-single-branch")
    result = unchanged(clone, poolside, "sync")
    assert (result.status, "git fetch --unshallow" in result.err) == (1, True)
    said = json.loads(poolside(clone, "sync", "--json").out)
    assert [snag["name"] for snag in said["snags"]] == ["shallow"]


@pytest.mark.parametrize(
    ("remote", "hint"), [("origin", "git remote add origin URL"), ("upstream", "git poolside init")]
)
def test_a_missing_remote(simple: World, poolside: Run, remote: str, hint: str) -> None:
    clone = simple.clone()
    clone.git("config", "--remove-section", f"remote.{remote}")
    result = unchanged(clone, poolside, "sync")
    assert (result.status, result.err.splitlines()[0]) == (1, f"error: there is no remote '{remote}' in this clone")
    assert f"hint: {hint}" in result.err


@pytest.mark.parametrize("branch", ["main", "nightly"])
def test_a_branch_that_upstream_does_not_have(simple: World, poolside: Run, branch: str) -> None:
    clone = simple.clone()
    simple.upstream.git("branch", "-m", branch, "elsewhere")
    result = unchanged(clone, poolside, "sync")
    assert (result.status, result.err.splitlines()[0]) == (1, f"error: 'upstream' has no branch '{branch}'")


def test_no_role_branch_anywhere(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("checkout", "-q", "--detach")
    clone.git("branch", "-q", "-D", "poolside-main")
    for branch in ("main", "poolside-cherry-picks", "poolside-main"):
        simple.fork.git("update-ref", "-d", f"refs/heads/{branch}")
        clone.git("update-ref", "-d", f"refs/remotes/origin/{branch}")
    clone.git("symbolic-ref", "-d", "refs/remotes/origin/HEAD")
    result = unchanged(clone, poolside, "sync")
    assert (result.status, "hint: git poolside init" in result.err) == (1, True)


def test_an_unborn_branch(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("checkout", "-q", "--orphan", "empty")
    clone.git("rm", "-q", "-r", "-f", ".")
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    assert (clone.path / ".git/HEAD").read_text() == "ref: refs/heads/empty\n"
    assert not (clone.path / "README.md").exists()
    assert poolside(clone, "status").status == 0


@pytest.mark.parametrize("remote", ["origin", "upstream"])
def test_a_server_that_is_down(simple: World, poolside: Run, remote: str) -> None:
    clone = simple.clone()
    clone.git("config", f"remote.{remote}.url", "git://127.0.0.1:1/x.git")
    result = unchanged(clone, poolside, "sync")
    assert result.status == 5
    assert result.err.splitlines()[0].startswith(f"error: the remote '{remote}' cannot be reached: ")
    said = json.loads(poolside(clone, "sync", "--json").out)
    assert (said["outcome"], said["exit"]) == ("error", 5)


def test_what_can_do_without_a_server_that_is_down_says_so(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("config", "remote.upstream.url", "git://127.0.0.1:1/x.git")
    for words in (
        ["sync", "-n"],
        ["nightly"],
        ["pull"],
        ["changes", "--write"],
        ["cherry-pick", "add", "upstream/main"],
    ):
        result = poolside(clone, *words)
        assert (result.status, result.err.splitlines()[1:]) == (
            5,
            [
                "hint: git ls-remote upstream   (tries the connection alone)",
                "hint: git remote get-url upstream   (shows where it points)",
                f"hint: git poolside {' '.join(words)} --no-fetch   (goes by what was fetched last)",
            ],
        )
        assert poolside(clone, *words, "--no-fetch").status == 0


@pytest.mark.parametrize("url", ["ext::sh -c 'touch pwned'", "--upload-pack=touch pwned", "fd::3"])
def test_P13_a_url_that_runs_something_is_refused(simple: World, poolside: Run, url: str) -> None:
    clone = simple.clone()
    clone.git("config", "--remove-section", "remote.upstream")
    for allowed in ("init", "--upstream", url), ("init", f"--upstream={url}"):
        result = poolside(clone, *allowed)
        assert result.status in (1, 129), result.err
    (clone.path / "mine.toml").write_text(f"[remotes]\nupstream-url = {json.dumps(url)}\n")
    result = poolside(clone, "sync", "--config", "mine.toml")
    assert (result.status, result.err.splitlines()[0]) == (
        1,
        "error: mine.toml:2: remotes.upstream-url has to be a plain https, ssh, git or file url",
    )
    assert not list(simple.root.rglob("pwned"))
    assert clone.git("config", "--get", "remote.upstream.url", check=False) == ""


# .poolside.toml


BROKEN = {
    '[sync]\npsuh = true\n': ".poolside.toml of poolside-main:2: unknown key 'sync.psuh'",
    '[snyc]\npush = true\n': ".poolside.toml of poolside-main:1: unknown table or key 'snyc'",
}  # fmt: skip


@pytest.mark.parametrize("text", BROKEN)
def test_a_typo_refuses_mutating_commands_and_warns_in_reading_ones(simple: World, poolside: Run, text: str) -> None:
    simple.patch({".poolside.toml": text}, "Configure\n")
    clone = simple.clone()
    for command in (["sync"], ["sync", "-n"], ["push"], ["undo"]):
        result = unchanged(clone, poolside, *command)
        assert (result.status, result.err.splitlines()[0]) == (1, f"error: {BROKEN[text]}"), command
    for command in (["status"], ["nightly"]):
        result = poolside(clone, *command)
        assert (result.status, result.err.splitlines()[0]) == (0, f"warning: {BROKEN[text]}"), command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sync\n", ".poolside.toml of poolside-main: "),
        ("[sync]\npush = 1\n", ".poolside.toml of poolside-main:2: sync.push has to be true or false"),
        ("sync = 1\n", ".poolside.toml of poolside-main:1: sync is a table: write it as [sync]"),
        ('[sync]\n\nrerere = "always"\n', "of poolside-main:3: sync.rerere has to be one of: stop, accept"),
        ('[branches]\npicks = "main"\n', "branches name three different branches"),
        ('[branches]\npicks = "-x"\n', "of poolside-main:2: branches.picks is no valid name: '-x'"),
        ('[version]\nfile = "../x"\n', "version.file has to be a path inside the repository, not '../x'"),
        ('[nightly]\npattern = "("\n', "of poolside-main:2: nightly.pattern is no regular expression"),
        ('[published]\nprefix = "refs/heads/x/"\n', "published.prefix may not lie among the branches"),
        ('[github]\nfork = "../../x"\n', "github.fork has to be like owner/name, not '../../x'"),
        ('[github]\nupstream = "a/.."\n', "github.upstream has to be like owner/name, not 'a/..'"),
        (
            '[publish]\nworkflow = "../x.yaml"\n',
            "publish.workflow has to be a file's name in .github/workflows, like build.yaml",
        ),
        ('[operations]\nkeep = "soon"\n', "of poolside-main:2: operations.keep has to be like '90 days'"),
        ('[operations]\nkeep = "1000000 days"\n', "of poolside-main:2: operations.keep has to be like '90 days'"),
    ],
)
def test_a_wrong_value_is_named_with_file_and_line(simple: World, poolside: Run, text: str, said: str) -> None:
    simple.patch({".poolside.toml": text}, "Configure\n")
    clone = simple.clone()
    for command in ("sync", "status"):
        result = unchanged(clone, poolside, command)
        assert result.status == 1
        assert said in result.err.splitlines()[0]


def test_a_configuration_that_is_no_text_is_refused_wherever_it_stands(simple: World, poolside: Run) -> None:
    simple.patch({".poolside.toml": b"# f\xfcr\n"}, "Configure\n")
    clone = simple.clone()
    given = poolside(clone, "status", "--config", ".poolside.toml")
    assert (given.status, given.err) == (1, "error: .poolside.toml is not UTF-8 text\nhint: mend it\n")
    said = "error: .poolside.toml of refs/heads/poolside-main is not UTF-8 text\nhint: mend and commit it\n"
    assert poolside(clone, "sync").err == said
    clone.git("config", "--unset", "poolside.branch")
    assert poolside(clone, "sync").err == given.err


def test_a_configuration_is_utf_8_in_any_locale(simple: World) -> None:
    clone = simple.clone()
    (clone.path / "given.toml").write_bytes("# für alle\n".encode())
    code = "import sys; from git_poolside.cli import main; sys.exit(main(sys.argv[1], sys.argv[2:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "status", "--short", "--config", "given.toml"], cwd=clone.path,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "2026-07-03 +2\n", "")


def test_a_configuration_file_that_is_not_there(simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = simple.clone()
    said = "error: cannot read the configuration 'no.toml': No such file or directory"
    assert poolside(clone, "sync", "--config", "no.toml").err.splitlines()[0] == said
    monkeypatch.setenv("GIT_POOLSIDE_CONFIG", "no.toml")
    assert poolside(clone, "status").err.splitlines()[0] == said


def foreign(simple: World, text: str) -> Repo:
    """A clone on a topic branch that has a .poolside.toml of its own, and no branch that is named to rule."""
    clone = simple.clone()
    clone.git("config", "--unset", "poolside.branch")
    clone.git("checkout", "-q", "-b", "topic")
    (clone.path / ".poolside.toml").write_text(text)
    clone.git("add", ".poolside.toml")
    clone.git("commit", "-q", "-m", "Steer")
    return clone


def test_P13_a_foreign_file_may_not_steer_a_mutating_command(simple: World, poolside: Run) -> None:
    clone = foreign(simple, '[remotes]\nfork = "upstream"\nupstream = "origin"\n')
    result = unchanged(clone, poolside, "sync")
    assert (result.status, result.err.splitlines()[0]) == (
        1,
        "error: .poolside.toml is not from the patches branch, and it sets [remotes]",
    )
    said = json.loads(poolside(clone, "push", "--json").out)
    assert [snag["name"] for snag in said["snags"]] == ["foreign-config"]


def test_P13_a_foreign_file_is_allowed_by_name_or_where_it_steers_nothing(simple: World, poolside: Run) -> None:
    clone = foreign(simple, '[branches]\npatches = "poolside-main"\n')
    assert poolside(clone, "sync", "-n").status == 1
    assert poolside(clone, "sync", "-n", "--allow", "foreign-config").status == 0
    clone.git("commit", "-q", "--amend", "-m", "Harmless")
    (clone.path / ".poolside.toml").write_text("[sync]\npush = false\n")
    assert poolside(clone, "sync", "-n").status == 0


def test_P13_a_configuration_through_a_symbolic_link_is_not_read(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("config", "--unset", "poolside.branch")
    clone.git("checkout", "-q", "--detach")
    (simple.root / "elsewhere.toml").write_text("[sync]\npsuh = true\n")
    (clone.path / ".poolside.toml").symlink_to(simple.root / "elsewhere.toml")
    assert "psuh" not in poolside(clone, "status").err


# Hostile text


def test_P13_escape_sequences_are_made_visible_everywhere(stuck: World, poolside: Run) -> None:
    evil = "Tune \x1b[2J\x1b]0;owned\x07line \u202eevif"
    stuck.fork.git("update-ref", "refs/heads/poolside-main", stuck.fork.rev("poolside-main~3"))
    stuck.patch({"a.py": TEN.replace("line 5\n", "line V\n"), "x\x1b[31m.txt": "x\n"}, evil + "\n")
    stuck.land({"a.py": TEN.replace("line 5\n", "line 5!\n")}, "Up \x1b[31mstream", 41)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    (clone.path / ".git/info").mkdir(exist_ok=True)
    seen = [poolside(clone, "sync", "-n"), poolside(clone, "sync", "--drop", "line"), poolside(clone, "status")]
    seen += [poolside(clone, "undo"), poolside(clone, "sync"), poolside(clone, "sync"), poolside(clone, "status")]
    seen += [poolside(clone, "sync", "--continue"), poolside(clone, "sync", "--abort"), poolside(clone, "log")]
    seen += [poolside(clone, "nightly"), poolside(clone, "push"), poolside(clone, "sync", "--keep", "e")]
    for result in seen:
        assert not {"\x1b", "\x07", "\u202e"} & set(result.out + result.err), result
    assert "Tune ^[[2J^[]0;owned^Gline <202E>evif" in seen[0].out
    said = json.loads(poolside(clone, "sync", "-n", "--json").out)
    assert said["conflict"]["subject"] == evil


# The machine


def test_a_full_disk_loses_nothing(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = clone.refs("refs/heads"), clone.git("status", "--porcelain")

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    done = apart.run(clone.path, "sync", "--no-fetch", session=True, limits=full)
    assert (done.returncode, done.stdout, done.stderr) == (
        128,
        "",
        "fatal: File too large\nhint: git poolside status   (shows where everything stands)\n",
    )
    assert (clone.refs("refs/heads"), clone.git("status", "--porcelain")) == before
    assert poolside(clone, "sync").status == 0


def test_an_exec_whose_worktree_cannot_be_made_leaves_nothing_behind(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = clone.refs("refs/heads")
    in_the_way = clone.path / ".git/worktrees"
    in_the_way.write_text("")
    result = poolside(clone, "sync", "--exec", "true")
    assert (result.status, "Not a directory" in result.err or "File exists" in result.err) == (128, True)
    assert clone.refs("refs/heads") == before
    assert list((clone.path / ".git/poolside").glob("exec-*")) == []
    in_the_way.unlink()
    assert poolside(clone, "sync", "--exec", "true").status == 0


@pytest.mark.parametrize("limit", [64, 200, 600, 1500, 4000])
def test_a_disk_that_fills_up_on_the_way_loses_nothing(simple: World, poolside: Run, limit: int) -> None:
    clone = simple.clone()
    before = clone.refs("refs/heads"), clone.git("status", "--porcelain")

    def filling() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = apart.run(clone.path, "sync", "--no-fetch", session=True, limits=filling)
    assert done.returncode in (0, 128), done.stderr
    assert "Traceback" not in done.stderr
    result = poolside(clone, "status")
    assert result.status == 0, result.err
    if done.returncode:
        assert (clone.refs("refs/heads"), clone.git("status", "--porcelain")) == before
    assert poolside(clone, "sync").status == 0
    assert clone.git("status", "--porcelain") == ""
    assert clone.git("fsck", "--connectivity-only") == ""


@pytest.mark.parametrize("where", ["listing", "fetch", "exec"])
def test_ctrl_c_is_130_and_loses_nothing(simple: World, poolside: Run, where: str) -> None:
    """A terminal sends it to the whole group of processes, git's among them."""
    clone = simple.clone()
    before = clone.refs("refs/heads"), clone.git("status", "--porcelain")
    wrapper = simple.root / "upload-pack"
    wrapper.write_text('#!/bin/sh\nkill -INT 0\nexec git-upload-pack "$@"\n')
    wrapper.chmod(0o755)
    if where == "listing":
        clone.git("config", "remote.upstream.uploadpack", str(wrapper))
    if where == "fetch":
        simple.land({"new.txt": "new\n"}, "New", 51)
        wrapper.write_text(wrapper.read_text().replace("kill", f"[ -e {wrapper}.2 ] && kill").replace(
            "exec", f"touch {wrapper}.2\nexec"))  # fmt: skip
        clone.git("config", "remote.upstream.uploadpack", str(wrapper))
    done = apart.run(clone.path, "sync", *(["--exec", "kill -INT 0"] if where == "exec" else []), session=True)
    assert (done.returncode, done.stdout, done.stderr) == (
        130,
        "",
        "\ninterrupted: git poolside status shows where everything stands\n",
    )
    assert (clone.refs("refs/heads"), clone.git("status", "--porcelain")) == before
    assert len(clone.git("worktree", "list").splitlines()) == 1
    clone.git("config", "--unset-all", "remote.upstream.uploadpack", check=False)
    assert poolside(clone, "sync").status == 0


def test_a_closed_pipe_is_141(simple: World) -> None:
    clone = simple.clone()
    reader, writer = os.pipe()
    os.close(reader)
    code = "import sys; from git_poolside.cli import main; sys.exit(main(sys.argv[1], sys.argv[2:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "status"], cwd=clone.path, env=dict(os.environ), stdout=writer,
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def written_to(where: str, clone: Repo, *words: str) -> tuple[int, str]:
    """How a command ends whose standard output is a closed pipe, a closed stream or a device that is full; what it says
    on the other one.
    """
    if where == "a full disk" and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    program = shlex.join(words)
    if where == "a pipe":
        reader, out = os.pipe()
        os.close(reader)
    else:
        out = os.open("/dev/full", os.O_WRONLY)
    if where == "nothing":
        program += " >&-"
    done = subprocess.run(["sh", "-c", program], cwd=clone.path, stdout=out, stderr=subprocess.PIPE, text=True)
    os.close(out)
    return done.returncode, done.stderr


FULL = "fatal: No space left on device: standard output\n"
READING = (["--version"], ["help"], ["status", "--short"], ["status"], ["status", "--json"])


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_standard_output_that_takes_nothing_is_told_as_git_does(
    synced: World, installed: Path, poolside: Run, words: list[str]
) -> None:
    clone = synced.there()
    poolside(clone, "status", "--short")  # which is remembered
    ends = {where: written_to(where, clone, "git-poolside", *words) for where in ("nothing", "a pipe", "a full disk")}
    hint = "hint: git poolside status   (shows where everything stands)\n" if words in READING[-2:] else ""
    says = "hint: git poolside push   (sends the branches)\n" if words == ["status"] else ""
    assert ends == {"nothing": (0, says), "a pipe": (141, ""), "a full disk": (128, FULL + hint)}


def test_what_is_done_is_done_with_standard_output_closed(synced: World, installed: Path) -> None:
    clone = synced.there()
    before = clone.rev("poolside-main@{1}")
    says = "hint: git poolside undo   (brings it back)\n"
    assert written_to("nothing", clone, "git-poolside-undo") == (0, says)
    assert clone.rev("poolside-main") == before


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["words", "json"])
@pytest.mark.parametrize("where", ["a pipe", "a full disk"])
def test_a_stop_is_told_where_standard_output_takes_nothing(
    stuck: World, installed: Path, where: str, form: list[str]
) -> None:
    clone = stuck.clone()
    status, said = written_to(where, clone, "git-poolside-sync", *form)
    full = where == "a full disk"
    assert (status, "warning: standard output: No space left on device\n" in said) == (3, full)
    assert (clone.path / ".git/poolside/stopped.json").exists()
    assert form or "hint: git poolside sync --abort   (goes back to where all was)\n" in said


@pytest.mark.parametrize("where", ["a pipe", "a full disk"])
def test_a_refusal_is_told_where_standard_output_takes_nothing(stopped: World, installed: Path, where: str) -> None:
    status, said = written_to(where, stopped.there(), "git-poolside-undo", "--json")
    assert (status, said.splitlines()[0].partition(":")[0]) == (1, "error")


def test_git_that_is_missing_or_too_old(
    simple: World, tmp_path: Path, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = simple.clone()
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    result = poolside(clone, "status")
    assert (result.status, result.err.splitlines()[0]) == (128, "fatal: git does not run here")
    (folder / "git").write_text("#!/bin/sh\necho git version 2.34.1\n")
    (folder / "git").chmod(0o755)
    result = poolside(clone, "status")
    assert (result.status, result.err.splitlines()[0]) == (
        1,
        "error: git 2.34.1 is too old: poolside needs 2.39 or newer",
    )


def test_a_branch_that_the_file_names_and_nobody_has_refuses_with_the_near_one(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    (clone.path / ".poolside.toml").write_text('[branches]\npicks = "poolside-cherypicks"\n')
    clone.git("add", ".poolside.toml")
    clone.git("commit", "-q", "-m", "A typo")
    before = clone.refs()
    result = poolside(clone, "sync")
    assert (result.status, result.err.splitlines()[:2]) == (
        1,
        [
            "error: there is no branch 'poolside-cherypicks', here or on 'origin' "
            "(branches.picks in .poolside.toml of poolside-main)",
            "hint: is 'poolside-cherry-picks' meant? Mend the file on the patches branch and commit it",
        ],
    )
    assert clone.refs() == before


def test_init_with_a_url_that_does_not_answer_writes_nothing(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    for key in ("url", "fetch", "tagOpt", "pushurl"):
        clone.git("config", "--unset-all", f"remote.upstream.{key}")
    before = (clone.path / ".git/config").read_text(), clone.refs("refs")
    assert poolside(clone, "init", "--upstream", "../nowhere.git").status == 5
    assert ((clone.path / ".git/config").read_text(), clone.refs("refs")) == before


def test_init_that_cannot_write_its_file_writes_nothing_else_either(simple: World, poolside: Run) -> None:
    clone = simple.clone("other", "--single-branch", "--branch", "main")
    before = (clone.path / ".git/config").read_text(), clone.refs("refs/heads")
    result = poolside(clone, "init", "--picks", "early")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            "error: HEAD is not on 'poolside-main', so .poolside.toml cannot be written into the worktree",
            "hint: git poolside init --picks early --commit   (commits it there without checking it out)",
        ],
    )
    assert ((clone.path / ".git/config").read_text(), clone.refs("refs/heads")) == before
    assert poolside(clone, "init", "--picks", "early", "--commit").status == 0
    assert 'picks = "early"' in clone.show("poolside-main", ".poolside.toml")


def test_init_with_another_url_than_the_remote_has_says_how_to_change_it(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    result = poolside(clone, "init", "--upstream", "../other.git")
    assert result.status == 1
    assert "hint: git remote set-url upstream ../other.git   (if it is right; init again then)" in result.err


def test_a_limit_below_one_is_a_usage_error(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert [poolside(clone, *words).status for words in (["log", "-n", "0"], ["nightly", "-n", "-1"])] == [129, 129]
