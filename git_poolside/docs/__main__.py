"""Makes what is generated, at build time: ``python -m git_poolside.docs [--check | --session]``.

Manual pages and completion scripts are committed; ``--check`` fails when they are not what parsers and sources say.
The pages carry no day's date, so that they do not drift. ``--session`` puts what the demo prints into the README
instead; a test compares it.
"""

from __future__ import annotations

import sys

from git_poolside.docs import scripts, session
from git_poolside.docs.pages import ROOT, pages

SCRIPTS = "git_poolside/completions"


def main() -> int:
    """Write what is generated, or compare it with ``--check``."""
    if "--session" in sys.argv[1:]:
        session.put()
        return 0
    made = pages() | {f"{SCRIPTS}/{name}": text for name, text in scripts.made().items()}
    stale = {path for pattern in ("man/man?/*", f"{SCRIPTS}/*/*") for path in ROOT.glob(pattern)}
    stale -= {ROOT / name for name in made}
    if "--check" not in sys.argv[1:]:
        for path in stale:
            path.unlink()
        for name, text in made.items():
            (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / name).write_text(text)
        return 0
    drifted = [name for name, text in made.items() if not (ROOT / name).exists() or (ROOT / name).read_text() != text]
    for name in [*drifted, *sorted(str(path.relative_to(ROOT)) for path in stale)]:
        print(f"{name} is not what its sources say: python -m git_poolside.docs", file=sys.stderr)
    return 1 if drifted or stale else 0


if __name__ == "__main__":
    sys.exit(main())
