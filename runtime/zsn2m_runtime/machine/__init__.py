"""This machine: what is installed, how much memory there is, where temporary files go."""
