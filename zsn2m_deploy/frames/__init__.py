"""The frames to train on: read from files, videos or cameras, checked, and freed of blank areas."""
