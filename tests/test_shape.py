"""The stack's shape: stamps in all variants, commits kept byte for byte, settings and signatures of users."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import TEN, Run
from tests.scenario import PATTERN_FILE, Repo, Result, World, workflow

COMMENT = "PYTORCH_BUILD_VERSION_PREFIX: 20200101"
STAMP = "Set the version to the nightly of"


def raw(repo: Repo, revision: str) -> bytes:
    return subprocess.run(
        ["git", "cat-file", "commit", revision], cwd=repo.path, env=repo.env, capture_output=True, check=True
    ).stdout


def parts(repo: Repo, revision: str) -> tuple[list[bytes], bytes]:
    """The header lines that a replay keeps, and the message."""
    header, _, message = raw(repo, revision).partition(b"\n\n")
    kept = [line for line in header.split(b"\n") if line.startswith((b"author ", b"encoding "))]
    return kept, message


def own(repo: Repo) -> list[str]:
    return repo.subjects("main..poolside-main")


def edit(repo: Repo, old: str, new: str) -> None:
    path = repo.path / PATTERN_FILE
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())
    repo.git("add", PATTERN_FILE)


def later(world: World, date: str = "2026-07-17", version: str | None = None) -> None:
    """One more nightly."""
    files = {"lib/c.py": TEN + f"{date}\n"}
    if version is not None:
        files["version.txt"] = version
    world.land(files, f"Extend c for {date}", 40)
    world.nightly(date)


@pytest.fixture
def synced(simple: World, poolside: Run) -> tuple[World, Repo]:
    """`simple`, synced to its second nightly, with a third one waiting."""
    clone = simple.clone()
    assert poolside(clone, "sync").status == 0
    later(simple)
    return simple, clone


def fates(result: Result) -> list[tuple[str, str, str]]:
    layers = json.loads(result.out)["layers"]
    return [(p["subject"], p["fate"], p["verdict"]) for layer in layers for p in layer["patches"]]


# S3, S5, S7, S11, S12


def test_S3_own_patches_are_replayed_from_the_recorded_picks(simple: World, poolside: Run) -> None:
    """The picks were rebuilt by hand after the sync; those below the patches are what the stamp recorded."""
    simple.nightly("2026-07-11", simple.land({"lib/c.py": TEN}, "Shorten c", 14))
    later_pick = simple.land({"a.py": TEN.replace("line 2\n", "line two\n") + "tail\n"}, "Add a tail", 13)
    clone = simple.clone()
    clone.git("checkout", "-q", "-b", "poolside-cherry-picks", "origin/poolside-cherry-picks")
    poolside(clone, "sync", "--nightly", "2026-07-10")
    clone.git("checkout", "-q", "poolside-cherry-picks")
    clone.git("cherry-pick", "-x", later_pick)
    clone.git("checkout", "-q", "poolside-main")
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    assert clone.subjects("main..poolside-cherry-picks") == ["Add a tail (#13)"]
    assert own(clone) == ["Add a tail (#13)", "Add the build workflow", "Use our index", f"{STAMP} 2026-07-11"]


def test_S5_patches_with_the_same_subject_are_told_apart(simple: World, poolside: Run) -> None:
    simple.patch({"one.py": "1\n"}, "Fix the build\n")
    simple.patch({"two.py": "2\n"}, "Fix the build\n")
    simple.land({"one.py": "1\n"}, "Upstream the first", 14)
    simple.nightly("2026-07-11")
    clone = simple.clone()
    result = poolside(clone, "sync", "--json")
    assert [fate for fate in fates(result) if fate[0] == "Fix the build"] == [
        ("Fix the build", "dropped", "landed"),
        ("Fix the build", "kept", "carried"),
    ]
    assert clone.git("diff", "--name-only", "main", "poolside-main").splitlines() == [PATTERN_FILE, "b.py", "two.py"]
    assert "several patches of the stack are called" not in result.err


@pytest.mark.parametrize("count", [0, 1, 200])
def test_S7_any_number_of_patches(world: World, poolside: Run, count: int) -> None:
    world.land({"a.py": "a\n"}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    stream = "".join(
        f"commit refs/heads/poolside-main\ncommitter P <p@x> {1_750_000_000 + n} +0000\n"
        f"data 9\nPatch {n:03}"
        f"{'' if n else chr(10) + 'from refs/heads/main^0'}\nM 100644 inline p{n:03}\ndata 4\n{n:03}\n\n"
        for n in range(count)
    )
    world.fork.git("fast-import", "--quiet", input=stream)
    world.land({"a.py": "b\n"}, "Go on", 2)
    world.nightly("2026-07-10")
    clone = world.clone()
    assert poolside(clone, "sync").status == 0
    assert own(clone) == [f"Patch {n:03}" for n in range(count)]
    assert clone.git("rev-parse", "poolside-main~" + str(count)) == clone.rev("main") == world.upstream.rev("main")


def test_S7_a_stack_of_another_history_is_refused(simple: World, poolside: Run) -> None:
    for branch in ("main", "poolside-cherry-picks", "poolside-main"):
        simple.commit(simple.fork, branch, {"x": "x\n"}, "Elsewhere\n", parents=[])
    clone = simple.clone()
    before = clone.refs()
    result = poolside(clone, "sync")
    assert (result.status, clone.refs()) == (1, before)
    assert "no history in common with upstream/main" in result.err


def test_S11_other_branches_that_hold_the_old_commits_stay(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("branch", "mine", "poolside-main~1")
    clone.git("tag", "v1", "poolside-main")
    before = [clone.rev("mine"), clone.rev("v1")]
    poolside(clone, "sync")
    assert [clone.rev("mine"), clone.rev("v1")] == before


def test_S12_what_nothing_changed_below_stays_the_same_object(synced: tuple[World, Repo], poolside: Run) -> None:
    world, clone = synced
    old = clone.git("rev-list", "--reverse", "main..poolside-main").splitlines()
    (clone.path / "own.py").write_text("own\n")
    clone.git("add", "own.py")
    clone.git("commit", "-q", "-m", "Add own")
    mine = clone.rev("HEAD")
    assert poolside(clone, "sync", "--nightly", "2026-07-10").status == 0
    new = clone.git("rev-list", "--reverse", "main..poolside-main").splitlines()
    assert new[:2] == old[:2]
    assert own(clone)[2:] == ["Add own", f"{STAMP} 2026-07-10"]
    assert mine not in new
    assert world.upstream.rev("main~1") == clone.rev("main")


# S6: the stamp


def test_S6_the_stamp_is_made_anew_and_never_twice(synced: tuple[World, Repo], poolside: Run) -> None:
    _, clone = synced
    assert poolside(clone, "sync").status == 0
    assert own(clone) == ["Add the build workflow", "Use our index", f"{STAMP} 2026-07-17"]
    assert clone.git("diff", "--name-only", "poolside-main~1", "poolside-main") == PATTERN_FILE
    assert clone.git("log", "-1", "--format=%(trailers:key=Poolside-Upstream,valueonly)").strip() == clone.rev("main")
    assert clone.git("log", "-1", "--format=%an <%ae>") == "Own Person <own@poolside.example>"


def test_S6_work_amended_into_the_stamp_is_split_off(synced: tuple[World, Repo], poolside: Run) -> None:
    _, clone = synced
    (clone.path / "own.py").write_text("own\n")
    clone.git("add", "own.py")
    clone.git("commit", "-q", "--amend", "--author", "Some Body <some@body.example>", "--no-edit")
    assert poolside(clone, "sync").status == 0
    assert own(clone) == [
        "Add the build workflow",
        "Use our index",
        f"{STAMP} 2026-07-10",
        f"{STAMP} 2026-07-17",
    ]
    assert clone.git("diff", "--name-only", "poolside-main~2", "poolside-main~1") == "own.py"
    assert clone.git("log", "-1", "--format=%an|%b", "poolside-main~1") == "Some Body|"
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20260717")


def test_S6_work_that_took_the_place_of_the_date_in_a_stamp_is_a_patch(
    synced: tuple[World, Repo], poolside: Run
) -> None:
    _, clone = synced
    clone.git("checkout", "-q", "HEAD~1", "--", PATTERN_FILE)
    (clone.path / "own.py").write_text("own\n")
    clone.git("add", "own.py")
    clone.git("commit", "-q", "--amend", "--no-edit")
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    assert own(clone)[2:] == [f"{STAMP} 2026-07-10", f"{STAMP} 2026-07-17"]
    assert clone.git("diff", "--name-only", "poolside-main~2", "poolside-main~1") == "own.py"
    assert clone.git("log", "-1", "--format=%b", "poolside-main~1") == ""


def test_S6_amended_twice_with_a_sync_between_keeps_both(synced: tuple[World, Repo], poolside: Run) -> None:
    world, clone = synced
    for name, date in (("one", "2026-07-17"), ("two", "2026-07-24")):
        (clone.path / name).write_text(name)
        clone.git("add", name)
        clone.git("commit", "-q", "--amend", "-m", f"Amended: {name}", "-m", clone.git("log", "-1", "--format=%b"))
        if date != "2026-07-17":
            later(world, date)
        assert poolside(clone, "sync").status == 0
    assert own(clone)[2:] == ["Amended: one", "Amended: two", f"{STAMP} 2026-07-24"]
    assert (clone.show("poolside-main", "one"), clone.show("poolside-main", "two")) == ("one", "two")


def test_S6_a_commit_on_top_of_the_stamp_is_an_ordinary_patch(synced: tuple[World, Repo], poolside: Run) -> None:
    _, clone = synced
    edit(clone, "+cu126", "+cu128")
    clone.git("commit", "-q", "-m", "Build for cuda 12.8")
    assert poolside(clone, "sync").status == 0
    assert own(clone)[1:] == ["Use our index", "Build for cuda 12.8", f"{STAMP} 2026-07-17"]
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20260717", cuda="cu128")
    assert clone.show("poolside-main~2", PATTERN_FILE) == workflow("20260703")


def test_S6_a_cuda_suffix_amended_into_the_stamp_is_kept(synced: tuple[World, Repo], poolside: Run) -> None:
    _, clone = synced
    edit(clone, "+cu126", "+cu128")
    clone.git("commit", "-q", "--amend", "--no-edit")
    assert poolside(clone, "sync").status == 0
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20260717", cuda="cu128")
    assert clone.show("poolside-main~1", PATTERN_FILE) == workflow("20260703", cuda="cu128")


def test_S6_bumps_made_by_hand_are_stamps(simple: World, poolside: Run) -> None:
    simple.patch({PATTERN_FILE: workflow("20260706")}, "Bump the date\n")
    simple.patch({"own.py": "own\n"}, "Add own\n")
    simple.patch({PATTERN_FILE: workflow("20260708")}, "Bump it again\n")
    clone = simple.clone()
    result = poolside(clone, "sync", "--json")
    assert [f for f in fates(result) if f[2] == "stamp"] == [
        ("Bump the date", "dropped", "stamp"),
        ("Bump it again", "dropped", "stamp"),
        (f"{STAMP} 2026-07-10", "new", "stamp"),
    ]
    assert own(clone) == ["Add the build workflow", "Use our index", "Add own", f"{STAMP} 2026-07-10"]


def test_S6_a_bump_by_hand_that_does_more_keeps_the_rest(simple: World, poolside: Run) -> None:
    text = workflow("20260706").replace("jobs: {}", "jobs: {build: {}}")
    simple.patch({PATTERN_FILE: text}, "Bump the date, add a job\n")
    clone = simple.clone()
    assert poolside(clone, "sync").status == 0
    assert own(clone)[2:] == ["Bump the date, add a job", f"{STAMP} 2026-07-10"]
    changed = clone.git("diff", "-U0", "poolside-main~2", "poolside-main~1").splitlines()
    assert [line for line in changed if line[0] in "+-" and line[:3] not in ("+++", "---")] == [
        "-jobs: {}",
        "+jobs: {build: {}}",
    ]


def test_S6_the_base_version_moves_with_upstreams(simple: World, poolside: Run) -> None:
    later(simple, version="2.10.0a0\n")
    clone = simple.clone()
    assert poolside(clone, "sync").status == 0
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20260717", "2.10.0")
    later(simple, "2026-07-24")
    assert poolside(clone, "sync").status == 0
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20260724", "2.10.0")
    assert own(clone) == ["Add the build workflow", "Use our index", f"{STAMP} 2026-07-24"]


@pytest.mark.parametrize(
    ("text", "stamped"),
    [
        (workflow().replace('"', ""), workflow("20260710").replace('"', "")),
        (workflow().replace('"', "'"), workflow("20260710").replace('"', "'")),
        (workflow().replace("\n", "\r\n"), workflow("20260710").replace("\n", "\r\n")),
        (workflow().rstrip("\n"), workflow("20260710").rstrip("\n")),
        (f"# {COMMENT}\n{workflow()}", f"# {COMMENT}\n{workflow('20260710')}"),
    ],
)  # fmt: skip
def test_S6_P12_no_other_byte_of_the_file_changes(simple: World, poolside: Run, text: str, stamped: str) -> None:
    simple.patch({PATTERN_FILE: text}, "Write it otherwise\n")
    clone = simple.clone()
    assert poolside(clone, "sync").status == 0
    assert clone.show("poolside-main", PATTERN_FILE) == stamped
    assert clone.show("poolside-main~1", PATTERN_FILE) == text


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("jobs: {}\n", "PYTORCH_BUILD_VERSION_PREFIX is not set with a date"),
        (None, "is not in the stack"),
    ],
)
def test_S6_without_the_variable_no_version_is_set_and_that_is_said(
    simple: World, poolside: Run, content: str | None, note: str
) -> None:
    simple.patch({PATTERN_FILE: content}, "No version\n")
    clone = simple.clone()
    result = poolside(clone, "sync")
    noted = "Note what landed up to the nightly of 2026-07-10"  # edge case L16: a drop has to be remembered
    assert (result.status, own(clone)[-2:]) == (0, ["No version", noted])
    assert note in result.err
    assert poolside(clone, "sync").out.startswith("Nothing to do")


def test_S6_the_variable_twice_is_a_snag(simple: World, poolside: Run) -> None:
    simple.patch({PATTERN_FILE: workflow() + workflow()}, "Twice\n")
    clone = simple.clone()
    before = clone.refs()
    result = poolside(clone, "sync")
    assert (result.status, clone.refs()) == (1, before)
    assert "[version-ambiguous]" in result.err and ": 5, 11" in result.err
    assert poolside(clone, "sync", "--allow", "version-ambiguous").status == 0
    assert own(clone)[-2:] == ["Twice", "Note what landed up to the nightly of 2026-07-10"]


# S8: byte for byte

ODD = [
    b"Plain\n",
    b"No newline at the end",
    b"Two\nlines of subject\n\nbody\n\n\n",
    b"# looks like a comment\n\n# and so does this\n",
    b"[tag] brackets (#5)\n",
    b"diff --git a/x b/x\n\n---\n a/x | 1 +\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n",
    b"trailing space   \n\n   indented\n\ttab\n",
    b"\n\nleading blank lines\n",
    b"crlf\r\n\r\nbody\r\n",
    b"\xe2\x98\x83 snowman\n",
    b"caf\xe9 without a header\n",
    b"",
]


def with_odd_commits(world: World, signable: bool = False) -> list[str]:
    """Patches of every odd kind, made as raw objects; their hashes.

    `signable` are those that ``git commit-tree -S`` can make: it takes a dot from the end of a name, and makes
    UTF-8 of a message that is none and has no header.
    """
    zones = [b"+0000", b"-0330", b"+1245", b"-1200", b"+0530"]
    made = []
    cases: list[tuple[bytes, bytes]] = [(message, b"") for message in ODD if not (signable and b"\xe9" in message)]
    cases += [(b"caf\xe9\n", b"encoding ISO-8859-1\n"), (b"\x83\x65\n", b"encoding Shift_JIS\n")]
    for number, (message, encoding) in enumerate(cases):
        parent = world.fork.rev("poolside-main")
        tree = world.fork.tree({f"odd{number}": f"{number}\n"}, parent)
        who = b"J\xc3\xb6rg. <j@example.com>" if number % 2 else b"A. U. Thor, Jr. <a@example.com>"
        if signable:
            who = who.replace(b". <", b" <")
        data = (
            f"tree {tree}\nparent {parent}\n".encode()
            + b"author " + who + b" %d " % (900_000_000 + number) + zones[number % 5]
            + b"\ncommitter Else <else@example.com> 1000000000 +0100\n" + encoding + b"\n" + message
        )  # fmt: skip
        oid = world.fork.git("hash-object", "-t", "commit", "-w", "--stdin", input=data)
        world.fork.git("update-ref", "refs/heads/poolside-main", oid)
        made.append(oid)
    return made


def test_S8_authors_messages_and_encodings_stay_byte_for_byte(simple: World, poolside: Run) -> None:
    odd = with_odd_commits(simple)
    clone = simple.clone()
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    renamed = {
        p["old"]: p["new"]
        for layer in json.loads(result.out)["layers"]
        for p in layer["patches"]
        if p["fate"] == "kept"
    }
    for oid in odd:
        assert parts(clone, renamed[oid]) == parts(clone, oid)
        assert b"committer Own Person <own@poolside.example> 1785585600 +0000\n" in raw(clone, renamed[oid])


# S9: settings of users

NASTY = """
[rebase]
	autosquash = true
	updateRefs = true
	autoStash = true
[commit]
	template = /nowhere
	cleanup = scissors
	verbose = true
[core]
	commentChar = auto
	quotePath = true
	abbrev = 4
	attributesFile = {home}/attributes
	bigFileThreshold = 1
	logAllRefUpdates = false
	whitespace = trailing-space
	pager = false
[diff]
	renames = copies
	renameLimit = 1
	noprefix = true
	mnemonicPrefix = true
	context = 0
	interHunkContext = 50
	algorithm = patience
	indentHeuristic = false
	suppressBlankEmpty = true
	ignoreSubmodules = all
	submodule = log
	external = false
	relative = true
	orderFile = {home}/order
	wordRegex = .
	colorMoved = zebra
	wsErrorHighlight = all
[merge]
	conflictStyle = diff3
	renames = false
	renameLimit = 1
	directoryRenames = true
	renormalize = true
	default = union
[color]
	ui = always
	diff = always
[log]
	showSignature = true
	date = relative
	decorate = full
	follow = true
	showRoot = false
	mailmap = true
[format]
	pretty = oneline
[i18n]
	commitEncoding = ISO-8859-1
	logOutputEncoding = ISO-8859-1
[status]
	showUntrackedFiles = no
	relativePaths = true
[fetch]
	prune = true
	pruneTags = true
	recurseSubmodules = true
[submodule]
	recurse = true
[remote "origin"]
	tagOpt = --tags
[user]
	useConfigOnly = false
[pull]
	rebase = true
[rerere]
	enabled = true
	autoUpdate = true
"""


def with_everything(world: World) -> None:
    """Patches that need a merge, a rename followed, a submodule, odd paths; and landings known by patch-id alone."""
    blank = "".join(f"{n}\n\n" for n in range(30))
    gitlinks = [world.fork.rev("main"), world.fork.rev("main~1")]
    world.patch({"b.py": TEN.replace("line 9\n", "line nine\n").replace("line 1\n", "line one\n")}, "Merge me\n")
    world.patch({"blank.txt": blank}, "Blank lines\n")
    changed = blank.replace("3\n\n4\n", "3\n\nfour\n", 1).replace("25\n", "twenty-five\n")
    world.patch({"blank.txt": changed}, "Change between blank lines\n")
    world.patch({"pfad/grün.txt": "x\n", "with space": "x\n", "li\u2028ne\u0085": "x\n"}, "Odd paths\n")
    for oid in gitlinks:
        parent = world.fork.rev("poolside-main")
        tree = world.fork.git("ls-tree", "-z", parent) + f"160000 commit {oid}\tsub\0"
        entries = [e for e in tree.split("\0") if e and not (e.endswith("\tsub") and oid not in e)]
        made = world.fork.git("mktree", "-z", "--missing", input="\0".join([*entries, ""]))
        world.commit(world.fork, "poolside-main", {}, f"Submodule at {oid[:4]}\n", tree=made)
    world.land({"blank.txt": blank}, "Bring blank lines", 50)
    world.land({"b.py": TEN.replace("line 5\n", "line five\n")}, "Edit b", 54)
    world.land({"blank.txt": "zero\n" + blank}, "Move them", 51)
    world.land({"blank.txt": "zero\n" + changed}, "Change them, too", 52)
    world.land({"lib/c.py": None, "lib/moved.py": TEN + "more\n"}, "Move c", 53)
    world.nightly("2026-07-11")


def test_S9_settings_of_users_do_not_change_results(simple: World, poolside: Run, tmp_path: Path) -> None:
    with_everything(simple)
    plain, nasty = simple.clone("plain"), simple.clone("nasty")
    first = poolside(plain, "sync", "--json")
    assert first.status == 0, first.err
    home = tmp_path / "home"
    (home / "attributes").write_text("* merge=union -diff\n*.py merge=ours\n")
    (home / "order").write_text("with*\n")
    with (home / ".gitconfig").open("a") as file:
        file.write(NASTY.format(home=home))
    second = poolside(nasty, "sync", "--json")
    assert second.status == 0, second.err
    one, two = json.loads(first.out), json.loads(second.out)
    for said in (one, two):
        said.pop("operation")
    assert two == one
    assert nasty.refs() == plain.refs()
    assert ("Submodule at " + simple.fork.rev("main~1")[:4], "kept", "carried") in fates(first)
    assert plain.git("rev-parse", "poolside-main:sub") == simple.fork.rev("main~1")
    assert ("Change between blank lines", "dropped", "landed") in fates(first)


def test_S9_a_submodule_that_is_ignored_in_gitmodules_is_carried_all_the_same(simple: World, poolside: Run) -> None:
    with_everything(simple)
    simple.patch({".gitmodules": '[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n\tignore = all\n'}, "Ignore it\n")
    clone = simple.clone()
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    assert clone.git("rev-parse", "poolside-main:sub") == simple.fork.rev("main~1")


def test_S9_conflicting_patches_conflict_whatever_the_user_has_set(stuck: World, poolside: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "attributes").write_text("* merge=union\n")
    with (home / ".gitconfig").open("a") as file:
        file.write(NASTY.format(home=home))
    clone = stuck.clone()
    assert poolside(clone, "sync", "--no-stop").status == 3


# S10: signatures


SIGNER = """#!/bin/sh
# Signs and verifies as gpg is called by git, with a checksum for a signature.
sum=$(sha1sum | cut -d' ' -f1)
case "$*" in
*--verify*)
    for word; do
        [ -f "$word" ] && grep -q "$sum" "$word" || continue
        echo "[GNUPG:] GOODSIG 0123456789ABCDEF Own Person"
        echo "[GNUPG:] TRUST_ULTIMATE 0 pgp"
    done
    exit 0 ;;
esac
printf -- '-----BEGIN PGP SIGNATURE-----\\n\\n%s\\n-----END PGP SIGNATURE-----\\n' "$sum"
printf '\\n[GNUPG:] SIG_CREATED \\n' >&2
"""


def sign_with(repo: Repo, folder: Path) -> Path:
    """Have commits signed by a program in gpg's place; the program."""
    signer = folder / "signer"
    signer.write_text(SIGNER)
    signer.chmod(0o755)
    for name, value in {"gpg.program": str(signer), "user.signingKey": "own", "commit.gpgSign": "yes"}.items():
        repo.git("config", name, value)
    return signer


def test_S9_notes_go_along_where_the_user_wants_them_rewritten(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("config", "notes.rewriteRef", "refs/notes/commits")
    clone.git("notes", "add", "-m", "about the index", "HEAD")
    assert poolside(clone, "sync").status == 0
    assert clone.git("log", "--format=%s|%N", "-2").split("\n") == [
        "Set the version to the nightly of 2026-07-10|",
        "Use our index|about the index",
    ]


def test_S10_rewritten_commits_are_signed(simple: World, poolside: Run, tmp_path: Path) -> None:
    clone = simple.clone()
    sign_with(clone, tmp_path)
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    signed = clone.git("log", "--format=%G? %s", "main..poolside-main").splitlines()
    assert signed == [f"G {STAMP} 2026-07-10", "G Use our index", "G Add the build workflow"]
    clone.git("fsck", "--strict", "--no-dangling")


def test_S10_a_missing_key_fails_before_anything_moves(simple: World, poolside: Run, tmp_path: Path) -> None:
    clone = simple.clone()
    sign_with(clone, tmp_path).unlink()
    before = clone.refs("refs/heads")
    result = poolside(clone, "sync")
    assert result.status == 128
    assert "commit-tree" in result.err and "bug" not in result.err
    assert clone.refs("refs/heads") == before
    assert clone.refs("refs/poolside") == {}
    assert clone.git("status", "--porcelain") == ""


def test_S8_S10_signed_commits_keep_their_bytes_too(simple: World, poolside: Run, tmp_path: Path) -> None:
    odd = with_odd_commits(simple, signable=True)
    clone = simple.clone()
    sign_with(clone, tmp_path)
    clone.git("config", "i18n.commitEncoding", "ISO-8859-1")
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    renamed = {
        p["old"]: p["new"]
        for layer in json.loads(result.out)["layers"]
        for p in layer["patches"]
        if p["fate"] == "kept"
    }
    assert [parts(clone, renamed[oid]) for oid in odd] == [parts(clone, oid) for oid in odd]
    assert clone.git("log", "--format=%G?", "main..poolside-main").split() == ["G"] * (len(odd) + 3)
