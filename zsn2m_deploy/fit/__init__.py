"""What all methods share: crops, the training loop, device and precision, and checks of a trained network."""
