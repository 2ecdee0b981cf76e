"""What is done with a noise model: drawing, refining, clipping, defective pixels."""
