"""Running a model: onnxruntime's providers, one session, and frames in strips."""
