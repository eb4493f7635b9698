"""What makes an operation safe: lock, journal, log, stop, undo."""
