"""The soak's state machine: what people, upstream and bad luck may do next."""

from __future__ import annotations

from tests.soak.commands import CommandMoves
from tests.soak.hands import HandMoves
from tests.soak.stops import StopMoves
from tests.soak.upstreams import UpstreamMoves


class Soak(UpstreamMoves, HandMoves, CommandMoves, StopMoves):
    """Everybody, in any order."""
