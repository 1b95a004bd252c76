"""What may be written: one class a kind, with its keys, its page and what it becomes. Imports no JAX."""
