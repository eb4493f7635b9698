"""Where a person stands when they type the command, and what is checked out where (edge case P7)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import TEN, Run
from tests.scenario import Repo, World

SYNCED = [
    "Add the build workflow",
    "Use our index",
    "Set the version to the nightly of 2026-07-10",
]


def stamps(clone: Repo) -> dict[str, tuple[int, int]]:
    """Inode and time of every file: what a build system looks at."""
    files = (
        path
        for path in clone.path.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(clone.path).parts[:1]
    )
    return {str(p.relative_to(clone.path)): (p.stat().st_ino, p.stat().st_mtime_ns) for p in files}


def linked(clone: Repo, *options: str, name: str = "linked") -> Repo:
    path = clone.path.parent / name
    clone.git("worktree", "add", "-q", str(path), *options)
    return Repo(path, clone.env)


def test_P7_only_files_that_differ_are_touched(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = stamps(clone)
    assert poolside(clone, "sync").status == 0
    after = stamps(clone)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert changed == {"lib/c.py", ".github/workflows/poolside-nightly-build.yaml"}


def test_P7_a_dry_run_touches_nothing(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = stamps(clone)
    assert poolside(clone, "sync", "-n").status == 0
    assert stamps(clone) == before


@pytest.mark.parametrize("head", ["topic", "detached"])
def test_P7_nothing_is_checked_out_where_no_role_branch_is(simple: World, poolside: Run, head: str) -> None:
    clone = simple.clone()
    clone.git("checkout", "-q", *(["-b", "topic"] if head == "topic" else ["--detach"]))
    (clone.path / "b.py").write_text("my work\n")
    (clone.path / "README.md").write_text("staged\n")
    clone.git("add", "README.md")
    before = stamps(clone), (clone.path / ".git/HEAD").read_text(), clone.git("status", "--porcelain")
    assert poolside(clone, "sync").status == 0
    assert (stamps(clone), (clone.path / ".git/HEAD").read_text(), clone.git("status", "--porcelain")) == before
    assert clone.subjects("main..poolside-main") == SYNCED


def test_P7_local_changes_elsewhere_come_along(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    (clone.path / "b.py").write_text("my work\n")
    (clone.path / "README.md").write_text("staged\n")
    clone.git("add", "README.md")
    (clone.path / "notes.txt").write_text("untracked\n")
    status = clone.git("status", "--porcelain")
    assert poolside(clone, "sync").status == 0
    assert clone.git("status", "--porcelain") == status
    assert (clone.path / "b.py").read_text() == "my work\n"


@pytest.mark.parametrize("kind", ["changed", "staged", "untracked", "ignored", "a repository's"])
def test_P7_a_local_change_in_the_way_refuses_and_nothing_moves(simple: World, poolside: Run, kind: str) -> None:
    simple.land({"built.txt": "upstream's\n", "built/in.txt": "x\n"}, "Add built.txt", 13)
    simple.nightly("2026-07-11")
    clone = simple.clone()
    name = {"untracked": "built.txt", "ignored": "built.txt", "a repository's": "built/in.txt"}.get(kind, "lib/c.py")
    if kind == "a repository's":
        clone.git("init", "-q", "built")
    (clone.path / name).write_text("mine\n")
    if kind == "staged":
        clone.git("add", name)
    if kind == "ignored":
        (clone.path / ".git/info").mkdir(exist_ok=True)
        (clone.path / ".git/info/exclude").write_text("built.txt\n")
    before = clone.refs("refs/heads"), stamps(clone), clone.git("status", "--porcelain", "--ignored")
    result = poolside(clone, "sync")
    assert result.status == 1
    assert result.err.splitlines()[:2] == [f"error: local changes in {clone.path} are in the way:", f"  {name}"]
    helps = {"untracked": "git stash -u   (", "changed": "git stash   (", "staged": "git stash   ("}
    assert f"hint: {helps.get(kind, 'move them away')}" in result.err
    assert (clone.refs("refs/heads"), stamps(clone), clone.git("status", "--porcelain", "--ignored")) == before
    assert "refs/poolside/operations" not in clone.refs("refs/poolside")
    assert (clone.path / ".git/HEAD").read_text() == "ref: refs/heads/poolside-main\n"


def test_P7_a_conflict_that_git_stash_pop_has_left_refuses_and_nothing_moves(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    for text in ("mine\n", "other\n"):
        (clone.path / "README.md").write_text(text)
        clone.git(*(["stash"] if text == "mine\n" else ["commit", "-q", "-a", "-m", "Other"]))
    clone.git("stash", "pop", check=False)
    before = clone.refs("refs"), clone.git("status", "--porcelain")
    result = poolside(clone, "sync")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            f"error: there are unmerged paths in {clone.path}:",
            "  README.md",
            "hint: git add PATH   (each, when you have resolved it)",
        ],
    )
    assert (clone.refs("refs"), clone.git("status", "--porcelain")) == before
    clone.git("add", "README.md")
    assert poolside(clone, "sync").status == 0


def test_P7_from_a_subfolder(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert poolside(clone.path / "lib", "sync").status == 0
    assert clone.subjects("main..poolside-main") == SYNCED
    assert clone.git("status", "--porcelain") == ""
    assert poolside(clone.path / "lib", "status").status == 0


@pytest.mark.parametrize("relative", [False, True])
def test_P7_git_dir_and_work_tree_are_set(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    clone = simple.clone()
    git_dir = Path("clone/.git") if relative else clone.path / ".git"
    tree = Path("clone") if relative else clone.path
    monkeypatch.setenv("GIT_DIR", str(git_dir))
    monkeypatch.setenv("GIT_WORK_TREE", str(tree))
    result = poolside(simple.root, "sync")
    assert result.status == 0, result.err
    assert clone.subjects("main..poolside-main") == SYNCED
    assert clone.git("status", "--porcelain") == ""
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"


def test_P7_git_dir_alone_is_set(simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = simple.clone()
    monkeypatch.setenv("GIT_DIR", str(clone.path / ".git"))
    assert poolside(clone, "sync").status == 0
    assert clone.git("status", "--porcelain") == ""


def test_P7_from_inside_the_git_folder(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert poolside(clone.path / ".git", "sync").status == 0
    assert clone.git("status", "--porcelain") == ""
    assert clone.subjects("main..poolside-main") == SYNCED


def test_P7_in_a_linked_worktree(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("checkout", "-q", "--detach")
    other = linked(clone, "poolside-main")
    before = stamps(clone)
    assert poolside(other, "sync").status == 0
    assert other.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert other.git("status", "--porcelain") == ""
    assert other.subjects("main..HEAD") == SYNCED
    assert stamps(clone) == before
    assert (clone.path / ".git/poolside").is_dir()
    assert not (clone.path / ".git/worktrees/linked/poolside").exists()


def test_P7_a_role_branch_in_another_worktree_is_brought_along(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("branch", "main", "origin/main")
    other = linked(clone, "main")
    before = stamps(other)
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    assert other.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert other.git("status", "--porcelain") == ""
    assert other.rev("HEAD") == simple.upstream.rev("main")
    assert {p for p, s in stamps(other).items() if before.get(p) != s} == {"a.py", "lib/c.py"}
    assert clone.git("status", "--porcelain") == ""


def test_P7_a_dirty_role_branch_in_another_worktree_refuses_and_nothing_moves(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("branch", "main", "origin/main")
    other = linked(clone, "main")
    (other.path / "lib/c.py").write_text("mine\n")
    before = clone.refs("refs/heads"), stamps(clone), stamps(other)
    result = poolside(clone, "sync")
    assert result.status == 1
    assert result.err.splitlines()[:2] == [f"error: local changes in {other.path} are in the way:", "  lib/c.py"]
    assert (clone.refs("refs/heads"), stamps(clone), stamps(other)) == before
    for repo, branch in ((clone, "poolside-main"), (other, "main")):
        assert repo.git("symbolic-ref", "HEAD") == f"refs/heads/{branch}"
    assert clone.git("status", "--porcelain") == ""


def test_P7_a_commit_made_while_the_sync_works_stays_checked_out(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    meanwhile = f"cd {clone.path} && echo meanwhile > new.txt && git add new.txt && git commit -q -m Meanwhile"
    result = poolside(clone, "sync", "--exec", f"test -e {clone.path}/new.txt || ({meanwhile})")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            "error: 'poolside-main' was moved by somebody else while poolside worked",
            "hint: nothing was changed; run the command again",
        ],
    )
    assert clone.git("status", "-sb").splitlines() == ["## poolside-main...origin/poolside-main [ahead 1]"]
    assert poolside(clone, "sync").status == 0
    assert clone.subjects("main..poolside-main")[-2] == "Meanwhile"


def test_P7_undo_brings_worktrees_along_too(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("branch", "main", "origin/main")
    other = linked(clone, "main")
    before = clone.refs("refs/heads")
    poolside(clone, "sync")
    assert poolside(clone, "undo").status == 0
    assert clone.refs("refs/heads") == before
    for repo in (clone, other):
        assert repo.git("status", "--porcelain") == ""
    assert (other.path / "lib/c.py").read_text() == TEN


def test_P7_a_worktree_that_is_gone_does_not_matter(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("branch", "main", "origin/main")
    other = linked(clone, "main")
    other.path.rename(other.path.with_name("moved"))
    assert poolside(clone, "sync").status == 0
    assert clone.rev("main") == simple.upstream.rev("main")


def test_P7_a_locked_worktree_that_is_not_there_is_not_forgotten(simple: World, poolside: Run) -> None:
    """Its disk may come back, with files that belong to the branch as it was."""
    clone = simple.clone()
    clone.git("branch", "main", "origin/main")
    other = linked(clone, "main")
    clone.git("worktree", "lock", str(other.path))
    other.path.rename(other.path.with_name("away"))
    before = clone.refs()
    result = poolside(clone, "sync")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            f"error: 'main' is checked out in {other.path}, a locked worktree that is not there now",
            f"hint: git worktree unlock {other.path} && git worktree prune   (if it does not come back)",
        ],
    )
    assert clone.refs("refs/heads") == {ref: oid for ref, oid in before.items() if ref.startswith("refs/heads/")}
    clone.git("worktree", "unlock", str(other.path))
    clone.git("worktree", "prune")
    assert poolside(clone, "sync").status == 0


def test_P7_no_branch_is_made_under_the_files_of_an_unborn_head(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("symbolic-ref", "HEAD", "refs/heads/poolside-cherry-picks")
    before = clone.refs("refs/heads")
    result = poolside(clone, "sync")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            f"error: {clone.path} is on 'poolside-cherry-picks', an unborn branch, which would be made under its files",
            f"hint: git -C {clone.path} checkout BRANCH   (one that has a commit)",
        ],
    )
    assert clone.refs("refs/heads") == before
    clone.git("checkout", "-q", "poolside-main")
    assert poolside(clone, "sync").status == 0
    assert clone.git("status", "--porcelain") == ""


def test_P7_in_a_bare_clone(simple: World, poolside: Run) -> None:
    bare = simple.clone("bare.git", "--bare")
    result = poolside(bare, "sync")
    assert result.status == 0, result.err
    assert bare.subjects("main..poolside-main") == SYNCED
    assert poolside(bare, "undo").status == 0


def test_P7_the_tips_are_the_same_wherever_it_is_run(simple: World, poolside: Run) -> None:
    clone, bare, elsewhere = simple.clone(), simple.clone("bare.git", "--bare"), simple.clone("elsewhere")
    elsewhere.git("checkout", "-q", "--detach", "upstream/main~1")
    tips = []
    for repo in (clone, bare, elsewhere):
        assert poolside(repo, "sync").status == 0
        tips.append(repo.rev("poolside-main"))
    assert len(set(tips)) == 1


def test_P7_a_sparse_checkout_stays_sparse(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("sparse-checkout", "set", "--cone", ".github")
    assert not (clone.path / "lib").exists()
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    assert not (clone.path / "lib").exists()
    assert clone.git("status", "--porcelain") == ""
    assert clone.show("poolside-main", "lib/c.py") == TEN + "more\n"


def test_P7_a_split_index_and_an_untracked_cache_work(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("update-index", "--split-index")
    clone.git("update-index", "--untracked-cache", check=False)
    assert poolside(clone, "sync").status == 0
    assert clone.git("status", "--porcelain") == ""


def test_P7_a_partial_clone_without_blobs(simple: World, poolside: Run) -> None:
    clone = simple.clone("blobless", "--filter=blob:none")
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    assert clone.subjects("main..poolside-main") == SYNCED


IN_PROGRESS = {
    "a merge": ["merge", "-q", "other"],
    "a cherry-pick": ["cherry-pick", "other"],
    "a rebase": ["rebase", "-q", "other"],
    "a bisection": ["bisect", "start"],
    "a revert": ["revert", "--no-edit", "HEAD~1"],
}


@pytest.mark.parametrize("what", IN_PROGRESS)
def test_P7_gits_own_operation_in_progress_refuses(simple: World, poolside: Run, what: str) -> None:
    clone = simple.clone()
    for branch, text in (("other", "other\n"), ("topic", "topic\n")):
        clone.git("checkout", "-q", "-b", branch, "origin/main")
        (clone.path / "a.py").write_text(text)
        clone.git("commit", "-q", "-a", "-m", branch)
    (clone.path / "a.py").write_text("topic again\n")
    clone.git("commit", "-q", "-a", "-m", "again")
    clone.git(*IN_PROGRESS[what], check=False)
    before = clone.refs("refs/heads"), clone.git("status", "--porcelain")
    for command in ("sync", "undo"):
        result = poolside(clone, command)
        assert (result.status, result.err.splitlines()[0]) == (1, f"error: {what} is in progress in {clone.path}")
        assert "hint: git " in result.err
    assert (clone.refs("refs/heads"), clone.git("status", "--porcelain")) == before


def test_P7_an_operation_in_progress_in_another_worktree_that_has_to_move_refuses(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("branch", "main", "origin/main")
    other = linked(clone, "main")
    other.git("bisect", "start")
    before = clone.refs("refs/heads")
    result = poolside(clone, "sync")
    assert (result.status, result.err.splitlines()[0]) == (1, f"error: a bisection is in progress in {other.path}")
    assert clone.refs("refs/heads") == before


@pytest.mark.parametrize("also", [False, True], ids=["the branch", "one that --update-refs moves"])
def test_P7_a_role_branch_that_is_rebased_in_another_worktree_is_not_moved(
    simple: World, poolside: Run, also: bool
) -> None:
    clone = simple.clone()
    clone.git("checkout", "-q", "--detach")
    other = linked(clone, "poolside-main")
    if also:
        other.git("checkout", "-q", "-b", "topic")
        other.git("commit", "-q", "--allow-empty", "-m", "On top")
    other.git("rebase", "-q", "--update-refs", "-x", "false", f"HEAD~{2 if also else 1}", check=False)
    before = clone.refs("refs/heads")
    result = poolside(clone, "sync")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            f"error: a rebase is in progress in {other.path}",
            f"hint: cd {other.path} && git rebase --continue   (finishes it)",
            f"hint: cd {other.path} && git rebase --abort   (gives it up)",
        ],
    )
    assert clone.refs("refs/heads") == before
    other.git("rebase", "--abort")
    assert poolside(clone, "sync").status == 0


def test_P7_a_file_that_git_cannot_write_refuses_and_nothing_moves(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder that is read-only: git says so and goes on. Root can write into any, so git is made to say it."""
    clone = simple.clone()
    real, folder = shutil.which("git"), simple.root / "bin"
    folder.mkdir()
    (folder / "git").write_text(
        '#!/bin/sh\ncase "$*" in *" checkout -q "*) cp lib/c.py old;; esac\n'
        f'{real} "$@"\nstatus=$?\ncase "$*" in *" checkout -q "*)\n'
        "mv old lib/c.py; echo \"error: unable to unlink old 'lib/c.py': Denied\" >&2;; esac\n"
        "exit $status\n"
    )
    (folder / "git").chmod(0o755)
    before = clone.refs("refs/heads"), (clone.path / ".git/HEAD").read_text(), clone.git("status", "--porcelain")
    with monkeypatch.context() as patched:
        patched.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        result = poolside(clone, "sync")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            f"error: git cannot write all files of {clone.path}:",
            "  unable to unlink old 'lib/c.py': Denied",
            "hint: make them writable, then run the command again",
            f"hint: git -C {clone.path} checkout --detach   (or so; no file has to be written then)",
        ],
    )
    assert (
        clone.refs("refs/heads"),
        (clone.path / ".git/HEAD").read_text(),
        clone.git("status", "--porcelain"),
    ) == before
    assert poolside(clone, "sync").status == 0


def test_P7_a_failing_post_checkout_hook_does_not_matter(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    path = clone.path / ".git/hooks/post-checkout"
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)
    assert poolside(clone, "sync").status == 0
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert clone.git("status", "--porcelain") == ""


def test_P7_a_subfolder_that_loses_all_its_files_stays_for_who_stands_in_it(stuck: World, poolside: Run) -> None:
    stuck.patch({"own/own.txt": "own\n"}, "Add a folder of our own\n")
    clone = stuck.clone()
    inside = clone.path / "own"
    result = poolside(inside, "sync")
    assert (result.status, "hint: git add ../a.py   (when you have resolved it)" in result.err) == (3, True)
    assert [path.name for path in inside.iterdir()] == []
    assert poolside(inside, "sync", "--abort").status == 0
    assert [path.name for path in inside.iterdir()] == ["own.txt"]


def test_P7_a_tag_called_head_keeps_nobody_off_the_branch(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("update-ref", "refs/tags/HEAD", "HEAD")
    assert poolside(clone, "sync").status == 0
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
