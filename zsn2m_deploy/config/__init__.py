"""The configuration: its fields, their limits, and how a preset, a file and options become one."""
