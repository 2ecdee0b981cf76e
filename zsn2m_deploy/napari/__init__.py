"""The napari plugin; napari itself is imported by `widget` alone, when it is opened there."""
