"""How a Plex Media Server describes its items: for its own source, its log's, and who posts in its name."""
