"""What each command does, as a function that prints nothing; the command line and the Python API are thin over them.

JAX takes most of a second to import: each function imports what it needs when it needs it, so that a spelling mistake
is answered first.
"""

from netspec.commands.continued import Continuation, predict_text
from netspec.commands.emitted import compiled
from netspec.commands.layer_features import Features, features
from netspec.commands.specs import Checked, Opened, check, checked, inspect, load, network
from netspec.commands.trained import Evaluation, Prediction, Trained, compare, evaluate, open_run, predict
from netspec.commands.training import Session, resume, start

__all__ = [
    "Checked",
    "Continuation",
    "Evaluation",
    "Features",
    "Opened",
    "Prediction",
    "Session",
    "Trained",
    "check",
    "checked",
    "compare",
    "compiled",
    "evaluate",
    "features",
    "inspect",
    "load",
    "network",
    "open_run",
    "predict",
    "predict_text",
    "resume",
    "start",
]
