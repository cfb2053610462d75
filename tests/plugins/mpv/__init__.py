"""mpv: the reading of its messages, and the plugin against a real mpv."""
