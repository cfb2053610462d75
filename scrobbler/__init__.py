"""A daemon that sees what people watch and keeps their Simkl profiles right."""

__version__ = "0.1.0"
