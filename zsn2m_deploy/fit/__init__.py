"""What every way of training shares: crops, the loop, the device, and checks of a finished network."""
