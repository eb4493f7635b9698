"""A randomised model test of the whole tool: people, an upstream and crashes in any order; nothing is ever lost.

``python -m tests.soak --steps 20000`` is the long run; `test_soak.py` a short one that is always the same.
"""
