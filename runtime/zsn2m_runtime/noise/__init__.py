"""The noise of a sensor: its model, the estimate of it, and what to say of it."""
