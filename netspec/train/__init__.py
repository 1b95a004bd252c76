"""The step, the loop and what is kept of them; yields events and never prints. Importing it loads no JAX."""
