"""What is known before any frame: synthetic scenes, synthetic noise, and the network that was pretrained on them."""
