"""The engine against git: merges of generated and of real trees, and whole stacks.

`python -m tests.differential CLONE` compares on the history of a clone; the tests here run always.
"""
