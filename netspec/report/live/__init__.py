"""Views while a training goes on: in a terminal, as lines, as objects; keys and signals."""
