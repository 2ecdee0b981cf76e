"""Bundles: exporting networks, restoring them from weights, and the preview."""
