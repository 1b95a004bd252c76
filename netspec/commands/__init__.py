"""What each command does, as a function that prints nothing; the command line and the Python API are thin over them.

JAX takes most of a second to import: each function imports what it needs when it needs it, so that a spelling mistake
is answered first.
"""

from netspec.commands.around_results import Around, Curved, curvature, landscape
from netspec.commands.continued import Continuation, predict_text
from netspec.commands.emitted import compiled
from netspec.commands.layer_features import Features, features
from netspec.commands.learning_rate import FoundRate, find_rate
from netspec.commands.opened_run import Picture, Run, Runs, list_runs, run
from netspec.commands.outcomes import Outcomes, outcomes
from netspec.commands.over_functions import Paths, PathTaken, paths
from netspec.commands.pictured import KINDS, Drawn, Wanted, others, plot, usual
from netspec.commands.resumed import resume
from netspec.commands.specs import Checked, Opened, check, checked, inspect, load, network
from netspec.commands.trained import Evaluation, Prediction, Trained, compare, evaluate, open_run, predict
from netspec.commands.training import Session, start

__all__ = [
    "KINDS",
    "Around",
    "Checked",
    "Continuation",
    "Curved",
    "Drawn",
    "Evaluation",
    "Features",
    "FoundRate",
    "Opened",
    "Outcomes",
    "PathTaken",
    "Paths",
    "Picture",
    "Prediction",
    "Run",
    "Runs",
    "Session",
    "Trained",
    "Wanted",
    "check",
    "checked",
    "compare",
    "compiled",
    "curvature",
    "evaluate",
    "features",
    "find_rate",
    "inspect",
    "landscape",
    "list_runs",
    "load",
    "network",
    "open_run",
    "others",
    "outcomes",
    "paths",
    "plot",
    "predict",
    "predict_text",
    "resume",
    "run",
    "start",
    "usual",
]
