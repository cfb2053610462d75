"""The soak: a household's month on stepped time, with crashes and a bad line to Simkl."""
