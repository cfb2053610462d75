"""Our own events, posted."""
