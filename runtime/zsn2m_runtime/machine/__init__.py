"""This machine: installed packages, memory, and where temporary files go."""
