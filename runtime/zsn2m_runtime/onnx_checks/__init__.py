"""What an ONNX file holds and what running it takes, found before onnxruntime sees it."""
