"""The default: the pretrained network adapts to the noise of its frames."""
