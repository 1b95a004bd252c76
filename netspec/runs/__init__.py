"""The run directory: written, read, repaired. Knows nothing of networks, of JAX or of terminals."""
