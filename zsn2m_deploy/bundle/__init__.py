"""Bundles: exporting networks, restoring them from their weights, and the preview picture."""
