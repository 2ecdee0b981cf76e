"""The frames to train on: where they come from, the facts of their sensor, and what of them is scene."""
