"""Bundle in, clean frames out: numpy, onnxruntime and OpenCV, never torch."""
