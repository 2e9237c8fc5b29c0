"""Learn: lessons of a few steps, each with something to predict, to reveal and to turn."""
