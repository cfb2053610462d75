"""The plugins, each against the API alone."""
