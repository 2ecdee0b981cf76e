"""What the report says of frames whose truth is known."""
