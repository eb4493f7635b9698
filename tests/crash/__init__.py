"""Commands of ours that are killed, or fail, at each step that they take: ``python -m tests.crash``."""
