"""A web page around a bundle: export --web."""
