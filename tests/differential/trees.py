"""Trees and what people do to them, drawn by hypothesis.

A tree is a mapping from paths to files. A step is a verb with three small numbers that choose file, place and
content among what there is, so that any list of steps can be done to any tree, and a list that shows a fault
shrinks to the few that matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.differential.oracle import Store

FILE, EXECUTABLE, LINK, SUBMODULE, FOLDER = 0o100644, 0o100755, 0o120000, 0o160000, 0o40000
GROUP = 0o100664
ATTRIBUTES = b".gitattributes"

NAMES = (
    b"a", b"b", b"c.txt", b"d.bin", b"e", b"A", b"a.b", b"a-b", b"g", b"sp ace", b'quo"te\t', b"new\nline", b"-x",
    b"\xff\xfe", b"\xc3\xa9", b"e\xcc\x81", b"C.TXT",
)  # fmt: skip
FOLDERS = (
    b"", b"d", b"d/e", b"g", b"d/e/f", b"g/h", b"D", b"d.x", b"d-x", b"a", b"sp ace/in", b"d/e/f/g/h/i/j", b"new",
    b"g/e",
)  # fmt: skip
RULES_OF_MERGES = (
    b"* merge=union", b"* -merge", b"*.txt binary", b"* conflict-marker-size=11", b"a merge=keep", b"* merge=nosuch",
    b"* -text", b"e merge=fail", b"[attr]odd -merge\na odd", b"* merge=binary", b"b -diff",
)  # fmt: skip
RULES = (*RULES_OF_MERGES, b"* text=auto", b"* eol=crlf", b"* text working-tree-encoding=UTF-16")
DRIVERS = {"merge.keep.driver": "true", "merge.fail.driver": "false"}
"""What a test repository's configuration says of the merge drivers that `RULES` name."""


@dataclass(frozen=True)
class File:
    """Mode and content; a submodule's content is the commit's hash, an empty folder has none."""

    mode: int
    data: bytes


Files = dict[bytes, File]


def _text(family: int, lines: int = 24) -> bytes:
    return b"".join(b"line %d of text %d\n" % (number, family) for number in range(lines))


def content(number: int) -> File:
    """One of the contents that a new file can have; texts of one family are similar to each other."""
    family, kind = divmod(number, 3)
    if kind == 0 or family > 7:
        return File(FILE, _text(number))
    if kind == 1:
        return File(FILE, _text(family % 3))
    return (
        File(FILE, b""),
        File(EXECUTABLE, _text(family)),
        File(FILE, _text(family).replace(b"\n", b"\r\n")),
        File(FILE, b"\0\1\2" + _text(family)),
        File(LINK, b"d/a"),
        File(SUBMODULE, b"%040x" % (number + 1)),
        File(FILE, _text(family).rstrip(b"\n")),
        File(FILE, b"short\n"),
    )[family]


def folders(files: Files) -> list[bytes]:
    """Every folder that holds something, the root left out."""
    found = {b"/".join(path.split(b"/")[:depth]) for path in files for depth in range(1, path.count(b"/") + 1)}
    return sorted(found)


def put(files: Files, path: bytes, file: File) -> None:
    """`file` at `path`, in the place of a folder there and of a file in the way."""
    for other in list(files):
        if other.startswith(path + b"/") or path.startswith(other + b"/"):
            del files[other]
    files[path] = file


def _inside(files: Files, folder: bytes) -> list[bytes]:
    return [path for path in sorted(files) if path.startswith(folder + b"/")]


def _join(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name


def _place(number: int, name: int) -> bytes:
    return _join(FOLDERS[number % len(FOLDERS)], NAMES[name % len(NAMES)])


def _edited(file: File, at: int, word: int) -> File:
    """One line replaced by another; what has no lines becomes something else."""
    if file.mode == SUBMODULE:
        return replace(file, data=b"%040x" % (word + 100))
    if file.mode == LINK:
        return replace(file, data=b"to/%d" % word)
    if file.mode == FOLDER:
        return file
    lines = file.data.splitlines(keepends=True) or [b""]
    at %= len(lines)
    end = lines[at][len(lines[at].rstrip(b"\r\n")) :]
    lines[at] = b"words of %d" % word + end
    return replace(file, data=b"".join(lines))


def _moved(files: Files, pairs: Iterable[tuple[bytes, bytes]]) -> None:
    taken = [(new, files.pop(old)) for old, new in pairs]
    for new, file in taken:
        put(files, new, file)


Verb = Callable[[Files, int, int, int], None]
VERBS: dict[str, Verb] = {}


def _verb(act: Verb) -> Verb:
    VERBS[act.__name__] = act
    return act


def _on_a_file(change: Callable[[File, int, int], File]) -> None:
    """A verb that makes another file of one that is there."""

    def act(files: Files, a: int, b: int, c: int) -> None:
        if files:
            path = sorted(files)[a % len(files)]
            files[path] = change(files[path], b, c)

    VERBS[change.__name__] = act


def _only_text(change: Callable[[bytes, int, int], bytes]) -> None:
    def act(file: File, b: int, c: int) -> File:
        return replace(file, data=change(file.data, b, c)) if file.mode in (FILE, EXECUTABLE) else file

    act.__name__ = change.__name__
    _on_a_file(act)


@_on_a_file
def edit(file: File, b: int, c: int) -> File:
    return _edited(file, b, c)


@_on_a_file
def edit_twice(file: File, b: int, c: int) -> File:
    return _edited(_edited(file, b, c), b + 11, c + 1)


@_only_text
def insert(data: bytes, b: int, c: int) -> bytes:
    lines = data.splitlines(keepends=True)
    lines.insert(b % (len(lines) + 1), b"new words of %d\n" % c)
    return b"".join(lines)


@_only_text
def cut(data: bytes, b: int, c: int) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: b % (len(lines) + 1)] + lines[b % (len(lines) + 1) + c % 4 :])


@_only_text
def rewrite(data: bytes, b: int, c: int) -> bytes:
    return b"all new %d\n" % b + _text(50 + c)


@_only_text
def empty(data: bytes, b: int, c: int) -> bytes:
    return b""


@_only_text
def end_line(data: bytes, b: int, c: int) -> bytes:
    """Add a newline at the end, or take it away."""
    return data[:-1] if data.endswith(b"\n") else data + b"\n"


@_only_text
def end_lines_otherwise(data: bytes, b: int, c: int) -> bytes:
    """CRLF in the place of LF, or the other way round."""
    return data.replace(b"\r\n", b"\n") if b"\r\n" in data else data.replace(b"\n", b"\r\n")


@_only_text
def make_binary(data: bytes, b: int, c: int) -> bytes:
    return b"\0%d" % c + data


@_on_a_file
def set_mode(file: File, b: int, c: int) -> File:
    return replace(file, mode={FILE: EXECUTABLE, EXECUTABLE: FILE}.get(file.mode, file.mode))


@_on_a_file
def change_type(file: File, b: int, c: int) -> File:
    kinds = [File(LINK, b"d/b"), File(SUBMODULE, b"%040x" % (c + 1)), File(FILE, _text(c))]
    return kinds[b % 3]


@_verb
def add(files: Files, a: int, b: int, c: int) -> None:
    put(files, _place(a, b), content(c))


@_verb
def add_in_a_folder(files: Files, a: int, b: int, c: int) -> None:
    there = folders(files)
    if there:
        put(files, _join(there[a % len(there)], NAMES[b % len(NAMES)]), content(c))


@_verb
def add_below_a_folder(files: Files, a: int, b: int, c: int) -> None:
    there = folders(files)
    if there:
        put(files, there[a % len(there)] + b"/below/" + NAMES[b % len(NAMES)], content(c))


@_verb
def add_many(files: Files, a: int, b: int, c: int) -> None:
    for number in range(12):
        put(files, _join(FOLDERS[a % len(FOLDERS)], b"many/%d.txt" % number), content(3 * (c + number) + b % 2))


@_verb
def delete(files: Files, a: int, b: int, c: int) -> None:
    if files:
        del files[sorted(files)[a % len(files)]]


@_verb
def delete_folder(files: Files, a: int, b: int, c: int) -> None:
    there = folders(files)
    for path in _inside(files, there[a % len(there)]) if there else []:
        del files[path]


@_verb
def move(files: Files, a: int, b: int, c: int) -> None:
    if files:
        _moved(files, [(sorted(files)[a % len(files)], _place(b, c))])


@_verb
def move_edited(files: Files, a: int, b: int, c: int) -> None:
    if files:
        path = sorted(files)[a % len(files)]
        files[path] = _edited(files[path], b, c)
        _moved(files, [(path, _place(b, c))])


@_verb
def copy(files: Files, a: int, b: int, c: int) -> None:
    if files:
        put(files, _place(b, c), files[sorted(files)[a % len(files)]])


@_verb
def move_folder(files: Files, a: int, b: int, c: int) -> None:
    """All of it, or with an odd `c` only every other file; into a new place or an old one."""
    there = folders(files)
    if there:
        old, new = there[a % len(there)], FOLDERS[b % len(FOLDERS)] + (b"", b"/sub")[c // 2 % 2]
        inside = _inside(files, old)[:: 1 + c % 2]
        _moved(files, [(path, (new + path.removeprefix(old)).lstrip(b"/")) for path in inside])


@_verb
def move_folder_to_a_folder(files: Files, a: int, b: int, c: int) -> None:
    """Into or below another folder that there is."""
    there = folders(files)
    if there:
        old, new = there[a % len(there)], _join(there[b % len(there)], NAMES[c % len(NAMES)] if c % 2 else b"")
        _moved(files, [(path, new.rstrip(b"/") + path.removeprefix(old)) for path in _inside(files, old)])


@_verb
def split_folder(files: Files, a: int, b: int, c: int) -> None:
    """Its files go to two places."""
    there = folders(files)
    if there:
        old = there[a % len(there)]
        places = [FOLDERS[b % len(FOLDERS)], FOLDERS[c % len(FOLDERS)]]
        pairs = [
            (path, (places[n % 2] + path.removeprefix(old)).lstrip(b"/")) for n, path in enumerate(_inside(files, old))
        ]
        _moved(files, pairs)


@_verb
def swap_folders(files: Files, a: int, b: int, c: int) -> None:
    there = folders(files)
    if there:
        one, other = there[a % len(there)], there[b % len(there)]
        if not (one + b"/").startswith(other + b"/") and not (other + b"/").startswith(one + b"/"):
            pairs = [(path, other + path.removeprefix(one)) for path in _inside(files, one)]
            _moved(files, pairs + [(path, one + path.removeprefix(other)) for path in _inside(files, other)])


@_verb
def change_case(files: Files, a: int, b: int, c: int) -> None:
    there = folders(files)
    if there:
        old = there[a % len(there)]
        _moved(files, [(path, old.swapcase() + path.removeprefix(old)) for path in _inside(files, old)])


@_verb
def swap(files: Files, a: int, b: int, c: int) -> None:
    if files:
        one, other = sorted(files)[a % len(files)], sorted(files)[b % len(files)]
        files[one], files[other] = files[other], files[one]


@_verb
def file_to_folder(files: Files, a: int, b: int, c: int) -> None:
    if files:
        path = sorted(files)[a % len(files)]
        _moved(files, [(path, path + b"/" + NAMES[b % len(NAMES)])])


@_verb
def folder_to_file(files: Files, a: int, b: int, c: int) -> None:
    there = folders(files)
    if there:
        put(files, there[a % len(there)], content(b))


@_verb
def edit_most(files: Files, a: int, b: int, c: int) -> None:
    """A line in two thirds of the longer files."""
    for number, path in enumerate(sorted(files)):
        if (number + a) % 3 and files[path].data.count(b"\n") > 4:
            files[path] = _edited(files[path], number * 3 + b, c + number % 2)


@_verb
def set_attributes(files: Files, a: int, b: int, c: int) -> None:
    there = [b"", *folders(files)]
    put(files, _join(there[a % len(there)] if b % 2 else b"", ATTRIBUTES), File(FILE, RULES[c % len(RULES)] + b"\n"))


@_verb
def write_oddly(files: Files, a: int, b: int, c: int) -> None:
    """What git reads and would not write: a folder with nothing in it, a mode that the group may write."""
    path = _place(a, b)
    if c % 2 and path in files and files[path].mode == FILE:
        files[path] = replace(files[path], mode=GROUP)
    elif c % 2:
        put(files, path, replace(content(3 * c), mode=GROUP))
    else:
        put(files, path, File(FOLDER, b""))


@dataclass(frozen=True)
class Step:
    """A verb of `VERBS` with what it is told."""

    verb: str
    a: int = 0
    b: int = 0
    c: int = 0

    def __repr__(self) -> str:
        return f"Step({self.verb!r}, {self.a}, {self.b}, {self.c})"


def after(files: Files, steps: Iterable[Step]) -> Files:
    """Another tree: `files` with the steps done to it."""
    result = dict(files)
    for step in steps:
        VERBS[step.verb](result, step.a, step.b, step.c)
    return result


def write(store: Store, files: Files) -> str:
    """The tree object; a submodule's commit need not be there."""
    entries: dict[bytes, tuple[int, str]] = {}
    below: dict[bytes, Files] = {}
    for path, file in files.items():
        name, slash, rest = path.partition(b"/")
        if slash:
            below.setdefault(name, {})[rest] = file
        else:
            kind = "tree" if file.mode == FOLDER else "blob"
            entries[name] = file.mode, file.data.decode() if file.mode == SUBMODULE else store.write(kind, file.data)
    entries |= {name: (FOLDER, write(store, inner)) for name, inner in below.items()}
    order = sorted(entries, key=lambda name: name + b"/" if entries[name][0] == FOLDER else name)
    lines = (b"%o %s\0%s" % (entries[name][0], name, bytes.fromhex(entries[name][1])) for name in order)
    return store.write("tree", b"".join(lines))


_NUMBER = st.integers(0, 23)
ADDING = ("add",) * 6 + ("add_many", "copy")


def steps(least: int, most: int, verbs: Iterable[str] = ()) -> st.SearchStrategy[list[Step]]:
    """So many steps, of the verbs that are named or of all."""
    words = tuple(verbs) or tuple(VERBS)
    return st.lists(st.builds(Step, st.sampled_from(words), _NUMBER, _NUMBER, _NUMBER), min_size=least, max_size=most)
