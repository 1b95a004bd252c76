"""Modules and functions that Flax, JAX and Optax lack, each small enough to be read beside a network's own source."""
