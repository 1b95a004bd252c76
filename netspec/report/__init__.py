"""What people see: the live dashboard, its curves, and how a training ends.

Views are pure functions of a state; only `live` writes to a terminal. Nothing here trains or measures a network.
"""
