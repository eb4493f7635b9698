"""What verdicts cost, how much memory a sync takes, and how time grows with files, refs and touched files."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.bench.arena import Arena
from tests.bench.make_repo import Made, Stack, git, make
from tests.bench.measure import Contender, Row, against, in_turn, median, median_cpu, progress, seconds
from tests.bench.plan import Shape

_DRY = ["git", "poolside", "sync", "-n", "--no-fetch", "--quiet"]
_LIMITS = {"near": 0.4, "far": 3.0}
_MEMORY = 200_000_000
_LONG = Shape(files=50_000, folders=7_500, commits=100_150, stacks=(1_000,), behind=100_000, far=0, refs=0)
"""100,000 commits touch nearly every one of 20,000 files: of more, enough are left for the patches to be in."""
_FLAT = 1.25
"""So many times as long at most is still called flat: a busy machine does not measure better."""


def verdicts(made: Made, rounds: int) -> list[Row]:
    """What a dry run takes beyond replaying the same stack with the engine alone, cold and a second time.

    That is more than the verdicts: the choice of the nightly, the reading of the layers, the stamp and the proof of
    conservation are in it too. Cold: nothing kept from an earlier run; git's own files are in the system's cache.
    """
    rows: list[Row] = []
    for name in dict.fromkeys(stack.name for stack in made.stacks):
        size = min(stack.size for stack in made.stacks if stack.name == name)
        stack = made.stack(name, size)
        moved = git(made.work, "rev-list", "--count", f"{stack.base}..{stack.target}")
        arena = Arena(made.work, made.folder / "run" / f"verdicts-{name}")
        arena.set_stack(stack)
        replay = [sys.executable, "-m", "tests.bench.ours", stack.base, stack.tip, stack.target]
        contenders = [
            Contender("cold", _DRY, arena.folder, arena.restore),
            Contender("second", _DRY, arena.folder),  # what the run before has left is there
            Contender("replay", replay, arena.folder, arena.restore),
        ]
        said: dict[str, str] = {}
        runs = in_turn(contenders, rounds, said, fixed=True)
        alone = median(runs["replay"])
        for run in ("cold", "second"):
            whole = median(runs[run])
            cost = max(whole - alone, 0.0)
            cpu = median_cpu(runs[run]) - median_cpu(runs["replay"])
            rows.append(
                Row(f"verdicts, upstream moved {moved} commits, {run} run", seconds(cost),
                    cpu=seconds(cpu), goal=f"under {_LIMITS[name]} s" if run == "cold" else "only for new commits",
                    reached=cost < _LIMITS[name] if run == "cold" else None,
                    note=f"dry run {seconds(whole)}, replay alone {seconds(alone)}")
            )  # fmt: skip
    return rows


def memory(made: Made, *, alone: bool) -> list[Row]:
    """The largest process of a whole sync of the largest stack; unless `alone`, in a long history as well."""
    cases = [made]
    if not alone:
        progress("a long history, which takes a while when it is made")
        cases.append(make(made.folder / "long", _LONG))
    rows: list[Row] = []
    for case in cases:
        stack = max((stack for stack in case.stacks if stack.name == "near"), key=lambda stack: stack.size)
        moved = git(case.work, "rev-list", "--count", f"{stack.base}..{stack.target}")
        arena = Arena(case.work, case.folder / "run" / "memory")
        arena.set_stack(stack)
        command = [sys.executable, "-m", "tests.bench.peak", "git", "poolside", "sync", "--no-fetch", "--quiet"]
        said: dict[str, str] = {}
        runs = in_turn([Contender("sync", command, arena.folder, arena.restore)], 1, said)["sync"]
        note, own = said["sync"], 0
        for run in runs:
            own, mapped = (int(word) for word in run.out.split()[-2:])
            note = f"the largest process; {mapped / 1e6:.0f} MB with what it has mapped of files"
        rows.append(
            Row(f"memory of a sync of {stack.size}, upstream moved {moved} commits", f"{own / 1e6:.0f} MB",
                goal="under 200 MB", reached=own < _MEMORY if own else None, note=note)
        )  # fmt: skip
    return rows


def growth(made: Made, rounds: int, *, quick: bool) -> list[Row]:
    """Ratios of the largest case to the smallest: files and refs are to be flat, touched files linear."""
    return [_files(made, rounds, quick), *_refs(made, rounds), _touched(made, rounds)]


def _files(made: Made, rounds: int, quick: bool) -> Row:
    counts = [500, 1_000, 2_000] if quick else [5_000, 20_000, 40_000]
    size = 20 if quick else 200
    contenders: list[Contender] = []
    for count in counts:
        shape = Shape(count, count * 3 // 20, 1_200, stacks=(size,), behind=500, far=0, refs=0)
        case = make(made.folder / f"files-{count}", shape)
        contenders.append(_dry(case, case.stack("near", size), f"{count} files"))
    return _flat(f"growth of a dry run of {size} in the files of the repository", contenders, rounds)


def _refs(made: Made, rounds: int) -> list[Row]:
    stack = min(made.stacks, key=lambda stack: (stack.name != "near", stack.size))
    dry: list[Contender] = []
    status: list[Contender] = []
    for count in (200, 20_000):
        arena = Arena(made.work, made.folder / "run" / f"refs-{count}")
        arena.set_stack(stack)
        lines = "".join(f"create refs/remotes/origin/more/{n:05} {stack.base}\n" for n in range(count))
        git(arena.folder, "update-ref", "--stdin", input=lines.encode())
        git(arena.folder, "pack-refs", "--all")
        arena.keep()
        dry.append(Contender(f"{count} refs", _DRY, arena.folder, arena.restore))
        status.append(Contender(f"{count} refs", ["git", "poolside", "status"], arena.folder, arena.restore))
    return [
        _flat(f"growth of a dry run of {stack.size} in the refs", dry, rounds),
        _flat("growth of status in the refs", status, rounds),
    ]


def _touched(made: Made, rounds: int) -> Row:
    """One patch on many files that upstream left alone, for the engine alone."""
    near = min(made.stacks, key=lambda stack: (stack.name != "near", stack.size))
    arena = Arena(made.work, made.folder / "run" / "touched")
    busy = set(git(arena.folder, "diff", "--name-only", "--no-renames", near.base, near.target).splitlines())
    listing = [line.split("\t") for line in git(arena.folder, "ls-tree", "-r", near.base).splitlines()]
    quiet = [path for meta, path in listing if meta.startswith("100644") and path not in busy]
    counts = [100, 1_000, min(4_000, len(quiet))]
    contenders: list[Contender] = []
    for count in counts:
        lines = [f"commit refs/heads/bench/touch-{count}\ncommitter A <a@example.com> 1 +0000\ndata 2\nT\n"]
        lines.append(f"from {near.base}\n")
        lines += [f"M 100644 inline {path}\ndata 2\nx\n" for path in quiet[:count]]
        git(arena.folder, "fast-import", "--quiet", input="".join(lines).encode())
        command = [sys.executable, "-m", "tests.bench.ours", near.base, f"bench/touch-{count}", near.target]
        contenders.append(Contender(f"{count} files", command, arena.folder, arena.restore))
    arena.keep()
    said: dict[str, str] = {}
    runs = in_turn(contenders, rounds, said)
    shown = ", ".join(f"{c.name} {seconds(median(runs[c.name]))}" for c in contenders)
    times = [median_cpu(runs[contender.name]) for contender in contenders]
    first = (times[1] - times[0]) / (counts[1] - counts[0])
    last = (times[2] - times[1]) / (counts[2] - counts[1])
    note = f"by cpu {first * 1000:.2f} ms a file, then {last * 1000:.2f} ms"
    return Row("growth in the files that a patch touches", shown, goal="linear", reached=last <= 1.3 * first, note=note)


def _dry(case: Made, stack: Stack, name: str) -> Contender:
    arena = Arena(case.work, case.folder / "run" / "dry")
    arena.set_stack(stack)
    return Contender(name, _DRY, arena.folder, arena.restore)


def _flat(figure: str, contenders: Sequence[Contender], rounds: int) -> Row:
    said: dict[str, str] = {}
    runs = in_turn(contenders, rounds, said)
    times = {contender.name: median(runs[contender.name]) for contender in contenders}
    shown = ", ".join(f"{name} {seconds(time)}" for name, time in times.items())
    first, *_, last = times.values()
    cpu = median_cpu(runs[contenders[-1].name]) / median_cpu(runs[contenders[0].name])
    failed = [words for words in said.values() if words.startswith("failed")]
    return Row(figure, shown, ratio=f"{last / first:.2f}", cpu=f"{cpu:.2f}", goal="flat", reached=last <= _FLAT * first,
               note="; ".join(failed))  # fmt: skip


def startup(made: Made, rounds: int) -> list[Row]:
    """The commands that are typed all day, beside the least that git and Python need."""
    arena = Arena(made.work, made.folder / "run" / "status", checkout=True)
    pairs = [
        ("git poolside status against git status", ["git", "poolside", "status"], ["git", "status"], "no longer", 1.0),
        (
            "git poolside --version against python3 -c pass",
            ["git", "poolside", "--version"],
            [sys.executable, "-c", "pass"],
            "within 2",
            0.5,
        ),
    ]
    rows: list[Row] = []
    for figure, command, rival, goal, least in pairs:
        said: dict[str, str] = {}
        contenders = [Contender("ours", command, arena.folder), Contender("rival", rival, arena.folder)]
        runs = in_turn(contenders, rounds * 4, said)
        note = said["ours"] if said["ours"].startswith("failed") else ""
        rows.append(against(figure, runs["ours"], runs["rival"], goal, least, note))
    return rows
