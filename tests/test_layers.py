"""Arrows point down only, and each outside package is imported where it belongs (design: Layout)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import git_poolside

ROOT = Path(git_poolside.__file__).parent
LEVELS = [
    "errors",
    "terminal",
    "interrupt",
    "stack",
    "actions",
    "ui",
    "git.process",
    "git.ref_files",
    "git.held",
    "config",
    "git",
    "live",
    "prompt",
    "pager",
    "forge",
    "operation",
    "context",
    "report",
    "markdown",
    "unattended",
    "watching",
    "pulled",
    "ending",
    "picklist",
    "offering",
    "demo",
    "commands",
]
"""From the bottom up; a module imports its own level and those below. `cli` and `docs` stand on top."""

HOME = {
    "pygit2": ("git/objects.py",),
    "sh": ("git/process.py",),
    "subprocess": (
        "git/process.py",
        "git/merge.py",
        "operation/exec.py",
        "commands/range_diff.py",
        "cli.py",
        "demo/histories.py",
        "demo/story.py",
        "docs/session.py",
        "docs/stack.py",
    ),
    "tomli": ("config.py",),
    "requests": ("forge/http.py",),
    "yaml": ("stack/workflow.py",),
}
SLOW = ("pygit2", "sh", "requests", "yaml", "asyncio", "tomli")
PURE = ("os", "sys", "pathlib", "socket", "subprocess", "time", "shutil", "tempfile", "io")


@cache
def modules() -> list[tuple[str, ast.Module]]:
    return [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())) for path in sorted(ROOT.rglob("*.py"))]


@cache
def nodes(tree: ast.Module) -> list[ast.AST]:
    return list(ast.walk(tree))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in nodes(tree) if isinstance(tree, ast.Module) else [tree]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def level(module: str) -> int:
    name = module.removeprefix("git_poolside").lstrip(".")
    found = [prefix for prefix in LEVELS if name == prefix or name.startswith(prefix + ".")]
    return LEVELS.index(max(found, key=len))


def test_arrows_point_down_only() -> None:
    wrong: list[str] = []
    for path, tree in modules():
        name = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        if name in ("cli", "__init__") or name.partition(".")[0] == "docs":
            continue
        for imported in imports(tree):
            if not imported.startswith("git_poolside.") or imported == "git_poolside.__version__":
                continue
            target = imported.removeprefix("git_poolside.")
            if any(target == p or target.startswith(p + ".") for p in LEVELS) and level(target) > level(name):
                wrong.append(f"{path} imports {imported}")
    assert wrong == []


def test_outside_packages_stay_in_their_homes() -> None:
    wrong: list[str] = []
    for path, tree in modules():
        for imported in imports(tree):
            package = imported.partition(".")[0]
            if package in HOME and path not in HOME[package]:
                wrong.append(f"{path} imports {imported}")
    assert wrong == []


def test_the_domain_sees_no_path_clock_socket_environment_or_process() -> None:
    found = [
        f"{path} imports {imported}"
        for path, tree in modules()
        if path.startswith("stack/")
        for imported in imports(tree)
        if imported.partition(".")[0] in PURE
    ]
    assert found == []


def test_slow_packages_are_not_imported_at_start_up() -> None:
    found: list[str] = []
    for path, tree in modules():
        if path == "config.py":
            continue
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                found += [f"{path} imports {name}" for name in imports(node) if name.partition(".")[0] in SLOW]
    assert found == []


def test_modules_stay_small() -> None:
    large = {path: count for path, _ in modules() if (count := len((ROOT / path).read_text().splitlines())) > 400}
    assert large == {}


def test_only_the_command_line_ends_the_process() -> None:
    found = [
        path
        for path, tree in modules()
        if path not in ("cli.py", "docs/__main__.py", "commands/__init__.py")
        for node in nodes(tree)
        if (
            isinstance(node, ast.Attribute)
            and node.attr == "exit"
            and isinstance(node.value, ast.Name)
            and node.value.id == "sys"
        )
        or (isinstance(node, ast.Name) and node.id == "SystemExit")
        or (isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name) and node.type.id == "Exception")
    ]
    assert found == []


def test_values_are_made_without_dataclasses() -> None:
    """It makes a class in half a millisecond, which a command would wait for a hundred times (`stack.values`)."""
    users = [
        str(path)
        for path, tree in modules()
        for node in nodes(tree)
        if isinstance(node, ast.ImportFrom | ast.Import)
        and "dataclasses" in (getattr(node, "module", None), *(alias.name for alias in node.names))
    ]
    assert users == []
