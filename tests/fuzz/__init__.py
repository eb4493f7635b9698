"""Every reader of what comes from elsewhere, with input that nobody meant it to get.

`test_parsers.py` tries each with hypothesis; ``python -m tests.fuzz`` for a counted number of runs, with atheris.
"""
