"""A training as a screen of text: pure functions of its state, the time and the size."""
