"""Keep a fork as a stack of patches on a fast upstream."""

__version__ = "0.1.0"
