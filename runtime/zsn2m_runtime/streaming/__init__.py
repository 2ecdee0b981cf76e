"""Frames without end: sources, the pipeline that denoises them, and sinks."""
