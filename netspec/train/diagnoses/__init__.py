"""What is going wrong with a training: the histories of its numbers, and rules that read them. Knows nothing of JAX."""
