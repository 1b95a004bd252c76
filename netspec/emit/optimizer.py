"""The optimizer of a training as a function that makes it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netspec.build.program import Phase
from netspec.diagnostics import Diagnostic, SpecError
from netspec.emit.body import Statement
from netspec.emit.makers import written_call
from netspec.emit.marks import literal
from netspec.emit.module import Module
from netspec.emit.names import free
from netspec.emit.variables import function
from netspec.graph.calls import lookup
from netspec.spec.call import Call
from netspec.spec.optimizers import PER_EXAMPLE, WHOLE

__all__ = ["OptimizerWriter", "check_optimizer", "told"]

WIRING = "netspec.nn.optimizers.wiring"

VALUE = frozenset({"momo", "momo_adam", "polyak_sgd", "reduce_on_plateau", "scale_by_polyak"})
"""What is told the loss besides the gradient."""

SEARCHES = frozenset({"lbfgs", "scale_by_backtracking_linesearch", "scale_by_zoom_linesearch"})
"""What tries steps of several lengths, and asks for the loss after each."""

ATTRIBUTES = 'tuple(part.key for part in path if hasattr(part, "key"))'
"""Of a path of JAX's, which ends in the variable itself where Flax begins, and not later."""

AVERAGES = frozenset({"lookahead", "schedule_free", "schedule_free_adamw", "schedule_free_sgd"})


def check_optimizer(phase: Phase) -> None:
    """See that an optimizer is one that a plain training can drive.

    Raises:
        SpecError: it is not.
    """
    reasons: Mapping[frozenset[str], str] = {
        (WHOLE | {"sam"}) - SEARCHES: "asks for the loss or its gradient again, which has no source",
        AVERAGES: "learns with other parameters than those that are evaluated, which has no source",
        PER_EXAMPLE: "takes the gradient of each example, which has no source",
    }
    names = _calls(phase)
    for which, reason in reasons.items():
        if found := sorted(names & which):
            raise SpecError(_refused(phase, "optimizer", f"{found[0]} {reason}"))
    if phase.updater.observe is not None:
        raise SpecError(_refused(phase, "schedule", "a plateau looks at a metric, which has no source"))


def _refused(phase: Phase, section: str, message: str) -> Diagnostic:
    spec = phase.spec
    return Diagnostic(
        "compile", f"[{section}] cannot be compiled: {message}", spec.document.key_place(spec.at(section))
    )


def _calls(phase: Phase) -> frozenset[str]:
    optimizer = phase.spec.optimizer
    assert optimizer is not None
    return optimizer.calls().union(optimizer.wrappers, *(group.calls() for group in optimizer.group))


def told(phase: Phase) -> str:
    """What an update is told besides the gradient."""
    if _calls(phase) & SEARCHES:
        return ", value=value, grad=gradient, value_fn=loss_at"
    return ", value=value" if _calls(phase) & VALUE else ""


@dataclass(slots=True)
class OptimizerWriter:
    """Text for the calls of an optimizer.

    Args:
        statements: that stand before it.
        made: the names of what they make, by what that is.
        labels: by function that tells parameters apart: by label, the paths of the parameters.
        ending: of the names of functions, where a training has several optimizers.
    """

    phase: Phase
    module: Module
    ending: str = ""
    statements: list[Statement] = field(default_factory=list)
    made: dict[Any, str] = field(default_factory=dict)
    labels: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    def functions(self, doc: str, *, tells: bool) -> Iterator[str]:
        """What tells parameters apart, where they learn in several ways; and what makes the optimizer.

        Args:
            doc: what is said of the latter.
            tells: whether an update is told what this optimizer does not ask for.
        """
        chain = [self.text(call) for call in self.phase.updater.chain]
        text = chain[0] if len(chain) == 1 else f"optax.chain({', '.join(chain)})"
        text = f"optax.with_extra_args_support({text})" if tells else text
        yield from map(self.labelling, self.labels)
        header = f"def make_optimizer{self.ending}() -> optax.GradientTransformation"
        yield function(header, doc, [*self.statements, Statement(f"return {text}")])

    def labelling(self, name: str) -> str:
        """The function that gives the label of a parameter."""
        statements = [Statement(ATTRIBUTES, "attributes")]
        for label, paths in self.labels[name].items():
            inside = Statement(f'return "{label}"')
            statements.append(Statement(f"if attributes in {self.chosen(paths)}:", None, [inside]))
        header = f"def {name}(path: tuple, value: jax.Array) -> str"
        doc = "Which transformation updates a parameter, by the attributes that lead to it."
        return function(header, doc, [*statements, Statement('return "rest"')])

    def chosen(self, paths: Sequence[str]) -> str:
        """A set of parameters, each by its attributes."""
        return f"{{{', '.join(map(literal, sorted((self.module.path(path) for path in paths), key=str)))}}}"

    def text(self, value: Call) -> str:
        """A call, as printed."""
        special = {
            "netspec.nn.schedules.scaled": self.scaled,
            f"{WIRING}.over_time": self.over_time,
            f"{WIRING}.partition": self.partition,
            f"{WIRING}.without": self.without,
            f"{WIRING}.matching": self.matching,
        }.get(value.name)
        return written_call(self.module, value, self.text) if special is None else special(value)

    def named(self, value: Any, name: str) -> tuple[str, bool]:
        """The name of what some value makes, and whether it has been made already."""
        known = value in self.made
        if not known:
            self.made[value] = free(name, set(self.made.values()))
        return self.made[value], known

    def scaled(self, value: Call) -> str:
        """A number times a factor that changes."""
        rate, factor = value.arguments
        factor_name, known = self.named(factor, "factor")
        if not known:
            self.statements.append(Statement(self.text(factor), factor_name))
        name, known = self.named(value, "learning_rate")
        if not known:
            inside = [Statement(f"return {literal(rate)} * {factor_name}(step)")]
            self.statements.append(Statement(f"def {name}(step: jax.Array) -> jax.Array:", None, inside))
        return name

    def over_time(self, value: Call) -> str:
        """A function with arguments that change, though it takes numbers for them."""
        dotted, changing, *inner = value.arguments
        static = tuple(name for name in inspect.signature(lookup(dotted)).parameters if name not in changing)
        name, known = self.named((dotted, changing), f"changing_{dotted.rpartition('.')[2]}")
        if not known:
            plain = self.module.name(Call(dotted))
            self.statements.append(Statement(f"optax.inject_hyperparams({plain}, static_args={literal(static)})", name))
        parts = [self.text(i) for i in inner] + [f"{k}={self.value(v)}" for k, v in value.keywords]
        return f"{name}({', '.join(parts)})"

    def value(self, value: Any) -> str:
        return self.text(value) if isinstance(value, Call) else literal(value)

    def partition(self, value: Call) -> str:
        """Each parameter by the transformation of its group."""
        rest, *groups = value.arguments
        parts = {"rest": rest, **{name: made for name, made, _ in groups}}
        return self.by_label(f"group{self.ending}", parts, {name: paths for name, _, paths in groups if paths})

    def without(self, value: Call) -> str:
        """A transformation beside parameters that stay as they are."""
        inner, *paths = value.arguments
        parts = {"rest": inner, "frozen": Call("optax.set_to_zero")}
        return self.by_label(f"kept{self.ending}", parts, {"frozen": tuple(paths)})

    def by_label(self, name: str, parts: Mapping[str, Call], labels: dict[str, tuple[str, ...]]) -> str:
        self.labels[name] = labels
        texts = ", ".join(f'"{label}": {self.text(part)}' for label, part in parts.items())
        return f"optax.partition({{{texts}}}, lambda tree: jax.tree.map_with_path({name}, tree))"

    def matching(self, value: Call) -> str:
        """A mask: whether each parameter is one of some."""
        name, known = self.named(value, "chosen")
        if not known:
            test = f"{ATTRIBUTES} in {self.chosen(value.arguments)}"
            inside = Statement(
                f"def {name}(path: tuple, value: jax.Array) -> bool:", None, [Statement(f"return {test}")]
            )
            self.statements.append(inside)
        return f"lambda tree: jax.tree.map_with_path({name}, tree)"
