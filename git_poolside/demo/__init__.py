"""What ``git poolside demo`` shows: a fork of a small library, and the real commands run on it."""
