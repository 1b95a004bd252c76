"""The loss of a training as a function: the losses and penalties of a spec, in the words of Optax and JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netspec.build.objective import Penalised, Term
from netspec.build.program import Phase
from netspec.build.targets import Aim
from netspec.diagnostics import Diagnostic, SpecError
from netspec.emit.body import Statement
from netspec.emit.marks import literal
from netspec.emit.names import free
from netspec.emit.variables import Variables, dotted, extra_outputs, function
from netspec.spec.call import Call, Shape
from netspec.spec.courses import Course
from netspec.spec.names import nested

__all__ = ["loss_function"]

FEW = 3
"""Parameters that are named one by one, at the most."""


def loss_function(variables: Variables, phase: Phase, name: str = "loss", where: str = "") -> str:
    """The function that is minimised.

    Args:
        name: its name.
        where: when that is, for its docstring; empty where it always is.

    Raises:
        SpecError: a part of it has no source.
    """
    _check(phase)
    return _Writer(variables, phase).loss(name, where)


def _check(phase: Phase) -> None:
    for i, (loss, term) in enumerate(zip(phase.spec.losses, phase.objective.terms, strict=True)):
        uncounted = getattr(loss, "class_weights", None) == "balanced" and not term.aim.facts.counts
        without = {
            "a number that changes over time": any(isinstance(table, Course) for table in nested(loss)),
            "the padding of frames": term.aim.frames is not None,
            "the balance of classes that nobody has counted yet": uncounted,
        }
        what = next((words for words, found in without.items() if found), None)
        if what is not None:
            message = f"{loss.kind} cannot be compiled: {what} has no source"
            place = phase.spec.document.key_place(phase.spec.loss_path(i))
            help_ = "compile a run, or write the weights as a list" if uncounted else ""
            raise SpecError(Diagnostic("compile", message, place, help=help_))


@dataclass(slots=True)
class _Writer:
    variables: Variables
    phase: Phase

    # -- the loss ------------------------------------------------------------------------------------------------------

    def loss(self, name: str, where: str) -> str:
        objective, losses = self.phase.objective, self.phase.spec.losses
        several = self.variables.several
        result = "outputs" if several or objective.terms[0].form in ("number", "group", "nothing") else "logits"
        statements = [Statement(f"model({', '.join(self.variables.inputs)})", result)]
        terms = []
        for i, term in enumerate(objective.terms):
            lines, text = self.term(i, term, result)
            statements += lines
            weight = losses[i].weight
            assert not isinstance(weight, Course)
            terms.append(text if weight == 1.0 else f"{literal(weight)} * {text}")
        if len(terms) > 1:
            one_each = len({t.aim.output for t in objective.terms}) == len(terms)
            wanted = [t.aim.output if one_each else f"loss{i + 1}" for i, t in enumerate(objective.terms)]
            names = [free(name, {*self.variables.batch, *self.variables.taken}) for name in wanted]
            statements += [Statement(text, name) for text, name in zip(terms, names, strict=True)]
            terms = names
        total = " + ".join(terms)
        if objective.penalties:
            if len(total) > 40:
                statements.append(Statement(total, "total"))
                total = "total"
            self.penalties(result, statements)
            total = f"{total} + penalty"
        kinds = " and ".join(dict.fromkeys(t.kind.replace("_", " ") for t in objective.terms))
        said = _REDUCED[losses[0].reduction] if len({loss.reduction for loss in losses}) == 1 else ""
        said_too = f", and the penalties{',' if where else ''}" if objective.penalties else ""
        doc = f"The {said}{kinds} of a batch{said_too}{where}."
        arguments = ", ".join(
            [f"model: {self.variables.network}", *(f"{name}: jax.Array" for name in self.variables.batch)]
        )
        return function(f"def {name}({arguments}) -> jax.Array", doc, [*statements, Statement(f"return {total}")])

    def term(self, i: int, term: Term, result: str) -> tuple[list[Statement], str]:
        """The statements of one loss, and what it is."""
        aim, loss = term.aim, self.phase.spec.losses[i]
        outputs = [f"{result}[{literal(name)}]" if self.variables.several else result for name in aim.outputs]
        wanted, raw = self.target(aim, result)
        encoded = _ENCODED.get(aim.form, "{}").format(raw)
        if (aim.whole or aim.grouped) and 0.0 in aim.by_class:
            encoded = f"jnp.where({self.by_class(aim, raw)} > 0.0, {raw}, -1)"
        weights = self.weights(aim, raw)
        names = ("each", "counts", "weights") if i == 0 else (f"each{i + 1}", f"counts{i + 1}", f"weights{i + 1}")
        before = [Statement(weights[1], names[1 if weights[0] else 2])] if weights else []
        once = sum(t.aim.target == aim.target for t in self.phase.objective.terms) == 1
        if encoded != wanted and wanted and once:
            before.append(Statement(encoded, wanted))
            encoded = wanted
        elif encoded != raw:
            encoded = f"({encoded})"
        given = outputs if not raw else [*outputs, encoded]
        shape = self.variables.program.network.graph.output_shapes[aim.output]
        each = self.each(loss.lower(), given, shape)
        if not weights:
            return before, f"jnp.{loss.reduction}({each})"
        form = _COUNTED if weights[0] else _WEIGHED
        text = form[loss.reduction].format(each=names[0], counts=names[1], weights=names[2])
        return [*before, Statement(each, names[0])], text

    def target(self, aim: Aim, result: str) -> tuple[str, str]:
        """The variable of a target, and the target itself; nothing where there is none."""
        if aim.layer is not None:
            outputs = {**self.variables.program.network.graph.outputs, **extra_outputs(self.variables.program)}
            name = next(n for n, path in outputs.items() if path == aim.layer)
            return "", f"jax.lax.stop_gradient({result}[{literal(name)}])"
        if aim.target is None:
            return "", ""
        inputs = list(self.variables.program.network.graph.inputs)
        wanted = self.variables.inputs[inputs.index(aim.target)] if aim.of_input else self.variables.targets[aim.target]
        return wanted, f"{wanted}[:, -1]" if aim.last else wanted

    def weights(self, aim: Aim, raw: str) -> tuple[bool, str] | None:
        """Whether they are only of those that count, and what they are; None where all count the same."""
        if aim.grouped is not None:
            return (
                True,
                f"{self.variables.module.name(Call(f'{aim.grouped.__module__}.{aim.grouped.__name__}'))}({raw})",
            )
        if aim.whole or not raw or aim.facts.kind != "class":
            return None
        if not aim.by_class:
            return (True, f"{raw} >= 0") if aim.facts.padded and not aim.last else None
        return set(aim.by_class) == {0.0, 1.0}, self.by_class(aim, raw, counts=set(aim.by_class) == {0.0, 1.0})

    def by_class(self, aim: Aim, raw: str, *, counts: bool = False) -> str:
        """What each example counts by its class."""
        text = f"jnp.array({literal(aim.by_class)})[{raw}]"
        text = f"jnp.where({raw} >= 0, {text}, 0.0)" if aim.facts.padded else text
        return f"{text} > 0.0" if counts else text

    def each(self, call: Call, given: Sequence[str], shape: Shape) -> str:
        """One loss for each example, or for each position."""
        keywords = dict(call.keywords)
        kind = call.name.rpartition(".")[2]
        axes = "-1" if len(shape) == 1 else literal(tuple(range(1, 1 + len(shape))))
        if kind == "cross_entropy" and not keywords["smoothing"]:
            kind = "plain_cross_entropy"
        form = _LOSSES.get(kind) if kind != "kl" or len(shape) == 1 else None
        if form is not None:
            output, target = given
            return form.format(o=output, t=target, axes=axes, classes=shape.channels, **keywords)
        arguments = [*given, *(f"{k}={literal(v)}" for k, v in keywords.items())]
        return f"{self.variables.module.name(call)}({', '.join(arguments)})"

    # -- penalties -----------------------------------------------------------------------------------------------------

    def penalties(self, result: str, statements: list[Statement]) -> None:
        written = [p for loss in self.phase.spec.losses for p in loss.penalties]
        pairs = list(zip(self.phase.objective.penalties, written, strict=True))
        names = ["penalty"] if len(pairs) == 1 else [f"penalty{i}" for i in range(1, len(pairs) + 1)]
        for name, (penalised, penalty) in zip(names, pairs, strict=True):
            text = self.penalty(penalised, penalty.lower(), result, statements)
            statements.append(Statement(text, name))
        if len(pairs) > 1:
            statements.append(Statement(" + ".join(names), "penalty"))

    def penalty(self, penalised: Penalised, call: Call, result: str, statements: list[Statement]) -> str:
        form, given = _PENALTIES.get(call.name.rpartition(".")[2]), dict(call.keywords)

        def of(array: str) -> str:
            if form is None:
                keywords = ", ".join(f"{k}={literal(v)}" for k, v in given.items())
                return f"{self.variables.module.name(call)}({array}, {keywords})"
            return form.format(array, strength=literal(given["strength"]))

        if penalised.node is not None:
            outputs = {**self.variables.program.network.graph.outputs, **extra_outputs(self.variables.program)}
            name = next(n for n, path in outputs.items() if path == penalised.node)
            value = f"{result}[{literal(name)}]"
            return f"{of(value)} / {value}.shape[0]"
        if len(penalised.parameters) == 1:
            return of(f"{dotted(self.variables.module.path(penalised.parameters[0]))}[...]")
        arrays = self.arrays(penalised.parameters)
        if arrays.startswith("["):
            name = free("weights", {s.target for s in statements if s.target})
            statements.append(Statement(arrays, name))
            return f"sum({of('w')} for w in {name})"
        return f"sum({of('w[...]')} for w in {arrays})"

    def arrays(self, paths: Sequence[str]) -> str:
        """Some parameters, named one by one or by what they are called."""
        found = [self.variables.module.path(path) for path in paths]
        ends = sorted({str(path[-1]) for path in found})
        every = list(self.variables.program.network.graph.parameters)
        if len(found) > FEW and sum(self.variables.module.path(p)[-1] in ends for p in every) == len(found):
            test = f'path[-1] == "{ends[0]}"' if len(ends) == 1 else f"path[-1] in {literal(tuple(ends))}"
            return f"[w[...] for path, w in nnx.to_flat_state(nnx.state(model, nnx.Param)) if {test}]"
        return f"({', '.join(map(dotted, found))})"


_ENCODED: Mapping[str, str] = {
    "pair": "{}.astype(jnp.float32)[..., None]",
    "zero_one": "{}.astype(jnp.float32)[..., None]",
    "plus_minus": "2.0 * {}.astype(jnp.float32)[..., None] - 1.0",
}

_REDUCED = {"mean": "mean ", "sum": "sum of the ", "max": "largest "}

_COUNTED: Mapping[str, str] = {
    "mean": "jnp.sum(jnp.where({counts}, {each}, 0.0)) / jnp.maximum(jnp.sum({counts}), 1)",
    "sum": "jnp.sum(jnp.where({counts}, {each}, 0.0))",
    "max": "jnp.max(jnp.where({counts}, {each}, 0.0))",
}

_WEIGHED: Mapping[str, str] = {
    "mean": "jnp.sum({weights} * {each}) / jnp.sum({weights})",
    "sum": "jnp.sum({weights} * {each})",
    "max": "jnp.max({weights} * {each})",
}
"""How the losses of a batch become one: of those that count, or by their weights. None is below 0."""

_LOSSES: Mapping[str, str] = {
    "plain_cross_entropy": "optax.softmax_cross_entropy_with_integer_labels({o}, {t})",
    "cross_entropy": "optax.softmax_cross_entropy({o}, optax.smooth_labels(nnx.one_hot({t}, {classes}), {smoothing}))",
    "binary_cross_entropy": "optax.sigmoid_binary_cross_entropy({o}, {t}).mean(axis=-1)",
    "squared_error": "jnp.square({o} - {t}).mean(axis={axes})",
    "absolute_error": "jnp.abs({o} - {t}).mean(axis={axes})",
    "half_squared_error": "0.5 * jnp.square({o} - {t}).mean(axis={axes})",
    "huber": "optax.huber_loss({o}, {t}, delta={delta}).mean(axis={axes})",
    "hinge": "jnp.maximum(0.0, 1.0 - {t} * {o}).mean(axis=-1)",
    "squared_hinge": "jnp.square(jnp.maximum(0.0, 1.0 - {t} * {o})).mean(axis=-1)",
    "logistic": "jax.nn.softplus(-{t} * {o}).mean(axis=-1)",
    "multiclass_hinge": "optax.losses.multiclass_hinge_loss({o}, {t})",
    "multiclass_perceptron": "optax.losses.multiclass_perceptron_loss({o}, {t})",
    "kl": "optax.kl_divergence(jax.nn.log_softmax({o}), {t})",
}

_PENALTIES: Mapping[str, str] = {
    "l1": "{strength} * jnp.sum(jnp.abs({0}))",
    "l2": "0.5 * {strength} * jnp.sum(jnp.square({0}))",
}
