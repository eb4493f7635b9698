"""What a pack is made of, as git reads it (gitformat-pack(5))."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Literal

from git_poolside.stack.model import Oid

Spot = tuple[int, int, bytes]
"""A place in an object: where it begins, how many bytes of it go, and what comes in their stead. Spots are in order."""
REF_DELTA = 7
"""The kind of an entry that says how it is made of another object, whose hash stands before it."""


def head(kind: int, size: int) -> bytes:
    """The head of a pack's entry: kind and size, seven bits a byte after the first."""
    first, size = (kind << 4) | (size & 15), size >> 4
    return bytes([first | 0x80]) + _number(size) if size else bytes([first])


def _number(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Pack:
    """A pack of `count` entries, in pieces: first its head, then each entry, then its tail (gitformat-pack(5))."""

    def __init__(self, count: int) -> None:
        self.head = b"PACK\0\0\0\2" + count.to_bytes(4, "big")
        self._sum = hashlib.sha1(self.head)

    def entry(self, part: bytes) -> bytes:
        self._sum.update(part)
        return part

    @property
    def tail(self) -> bytes:
        return self._sum.digest()


def indexed(parts: Mapping[Oid, bytes]) -> tuple[bytes, bytes]:
    """A pack of these entries, none of them a delta, by the names of their objects; and its index, of version 2."""
    pack = Pack(len(parts))
    body = b"".join([pack.head, *map(pack.entry, parts.values())])
    rows: list[tuple[bytes, int, int]] = []
    counts, at = [0] * 256, len(pack.head)
    for oid, part in parts.items():
        name = bytes.fromhex(oid)
        rows.append((name, zlib.crc32(part), at))
        counts[name[0]] += 1
        at += len(part)
    rows.sort()
    names, sums, places = zip(*rows, strict=True)
    numbers = (number.to_bytes(4, "big") for number in (*accumulate(counts), *sums, *places))
    fan = [next(numbers) for _ in counts]
    index = b"".join([b"\xfftOc\0\0\0\2", *fan, *names, *numbers, pack.tail])
    return body + pack.tail, index + hashlib.sha1(index).digest()


def stored(data: bytes) -> bytes:
    """`data` as a zlib stream that is not compressed (RFC 1950, RFC 1951): for what is tiny or read once."""
    out, at = b"\x78\x01", 0
    while len(data) - at > 0xFFFF:
        out += b"\0\xff\xff\0\0" + data[at : at + 0xFFFF]
        at += 0xFFFF
    size = len(data) - at
    return b"%b\1%b%b%b%b" % (
        out, size.to_bytes(2, "little"), (size ^ 0xFFFF).to_bytes(2, "little"), data[at:],
        zlib.adler32(data).to_bytes(4, "big"),
    )  # fmt: skip


def patched(old: bytes, spots: Sequence[Spot]) -> bytes:
    """`old` with what is at the `spots` replaced."""
    out, at = [], 0
    for start, size, new in spots:
        out += [old[at:start], new]
        at = start + size
    return b"".join([*out, old[at:]])


def delta_at(old: int, new: int, spots: Sequence[Spot]) -> bytes:
    """How an object of `new` bytes is made of one of `old`, which differs at the `spots` alone."""
    out = bytearray(_number(old) + _number(new))
    at = 0
    for start, size, piece in spots:
        _copy(out, at, start - at)
        _insert(out, piece)
        at = start + size
    _copy(out, at, old - at)
    return bytes(out)


def delta_of(old: bytes, new: bytes) -> bytes:
    """How `new` is made of the start and the end of `old`; empty where too little of it is."""
    most = min(len(old), len(new))
    front = _common(old[:most], new[:most], "big")
    rest = most - front
    back = _common(old[len(old) - rest :], new[len(new) - rest :], "little")
    middle = new[front : len(new) - back]
    if len(middle) * 2 > len(new):
        return b""
    out = bytearray(_number(len(old)) + _number(len(new)))
    _copy(out, 0, front)
    _insert(out, middle)
    _copy(out, len(old) - back, back)
    return bytes(out)


def _common(one: bytes, other: bytes, end: Literal["big", "little"]) -> int:
    """How many bytes of two equally long strings are equal, from the start (``big``) or the end (``little``)."""
    differ = int.from_bytes(one, end) ^ int.from_bytes(other, end)
    return len(one) - (differ.bit_length() + 7) // 8


def _insert(out: bytearray, new: bytes) -> None:
    """Append what puts new bytes in, 127 at most at a time."""
    for start in range(0, len(new), 127):
        piece = new[start : start + 127]
        out.append(len(piece))
        out += piece


def _copy(out: bytearray, offset: int, size: int) -> None:
    """Append what copies a part of the old bytes, its place in four bytes and its size in two."""
    while size:
        part = min(size, 0xFFFF)
        out.append(0b1011_1111)
        out += offset.to_bytes(4, "little") + part.to_bytes(2, "little")
        offset, size = offset + part, size - part
