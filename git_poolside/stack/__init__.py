"""The domain, pure: no path, clock, socket, environment or process."""
