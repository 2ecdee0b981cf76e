"""Video through FFmpeg (PyAV): decoding, encoding, and all that goes through beside the picture."""
