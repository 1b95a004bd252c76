"""The loss of a training as a function: the losses and penalties of a spec, in the words of Optax and JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netspec.build.objective import Penalised, Term
from netspec.emit.body import Statement
from netspec.emit.marks import literal
from netspec.emit.names import free
from netspec.emit.variables import Variables, dotted, extra_outputs, function
from netspec.spec.call import Call, Shape
from netspec.spec.losses import Loss

__all__ = ["loss_function"]

FEW = 3
"""Parameters that are named one by one, at the most."""


def loss_function(variables: Variables) -> str:
    """The function that is minimised."""
    return _Writer(variables).loss()


@dataclass(slots=True)
class _Writer:
    variables: Variables

    # -- the loss ------------------------------------------------------------------------------------------------------

    def loss(self) -> str:
        objective = self.variables.program.objective
        several = self.variables.several
        result = "outputs" if several or objective.terms[0].form == "number" else "logits"
        statements = [Statement(f"model({', '.join(self.variables.inputs)})", result)]
        terms = []
        for i, term in enumerate(objective.terms):
            output = f"{result}[{literal(term.aim.output)}]" if several else result
            lines, text = self.term(i, term, output)
            statements += lines
            terms.append(text if term.weight == 1.0 else f"{literal(term.weight)} * {text}")
        if len(terms) > 1:
            names = [free(t.aim.output, {*self.variables.batch, *self.variables.taken}) for t in objective.terms]
            if len(set(names)) == len(names):
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
        doc = f"The mean {kinds} of a batch{', and the penalties' if objective.penalties else ''}."
        arguments = ", ".join(
            [f"model: {self.variables.network}", *(f"{name}: jax.Array" for name in self.variables.batch)]
        )
        return function(f"def loss({arguments}) -> jax.Array", doc, [*statements, Statement(f"return {total}")])

    def term(self, i: int, term: Term, output: str) -> tuple[list[Statement], str]:
        """The statements of one loss, and what it is."""
        aim = term.aim
        name = (
            self.variables.inputs[list(self.variables.program.network.graph.inputs).index(aim.target)]
            if aim.of_input
            else None
        )
        wanted = name or self.variables.targets[aim.target]
        shape = self.variables.program.network.graph.output_shapes[aim.output]
        text = f"{wanted}[:, -1]" if self.is_last(term, shape) else wanted
        text = _ENCODED.get(term.form, "{}").format(text)
        statements = []
        if text != wanted and sum(t.aim.target == aim.target for t in self.variables.program.objective.terms) == 1:
            statements.append(Statement(text, wanted))
            text = wanted
        each = self.each(
            self.variables.program.spec.losses[i].lower(), self.variables.program.spec.losses[i], output, text, shape
        )
        if aim.weigh is None:
            return statements, f"jnp.mean({each})"
        each_name, counts = ("each", "counts") if i == 0 else (f"each{i + 1}", f"counts{i + 1}")
        statements += [Statement(each, each_name), Statement(f"{text} >= 0", counts)]
        return statements, f"jnp.sum(jnp.where({counts}, {each_name}, 0.0)) / jnp.maximum(jnp.sum({counts}), 1)"

    def is_last(self, term: Term, shape: Shape) -> bool:
        """Whether an output for the last position is held against a class for each."""
        target = term.aim.facts
        return target.kind == "class" and bool(target.shape) and len(shape) == len(target.shape)

    def each(self, call: Call, loss: Loss, output: str, target: str, shape: Shape) -> str:
        """One loss for each example, or for each position."""
        given = dict(call.keywords)
        kind = call.name.removeprefix("netspec.nn.losses.")
        axes = "-1" if len(shape) == 1 else literal(tuple(range(1, 1 + len(shape))))
        if kind == "cross_entropy" and not given.get("smoothing"):
            kind = "plain_cross_entropy"
        form = _LOSSES.get(kind)
        if form is not None and set(given) <= {"smoothing", "delta"}:
            return form.format(o=output, t=target, axes=axes, classes=shape.channels, **given)
        keywords = [f"{k}={literal(v)}" for k, v in given.items()]
        arguments = [output, target, *(literal(a) for a in call.arguments), *keywords]
        return f"{self.variables.module.name(call)}({', '.join(arguments)})"

    # -- penalties -----------------------------------------------------------------------------------------------------

    def penalties(self, result: str, statements: list[Statement]) -> None:
        written = [p for loss in self.variables.program.spec.losses for p in loss.penalties]
        pairs = list(zip(self.variables.program.objective.penalties, written, strict=True))
        names = ["penalty"] if len(pairs) == 1 else [f"penalty{i}" for i in range(1, len(pairs) + 1)]
        for name, (penalised, penalty) in zip(names, pairs, strict=True):
            text = self.penalty(penalised, penalty.lower(), result, statements)
            statements.append(Statement(text, name))
        if len(pairs) > 1:
            statements.append(Statement(" + ".join(names), "penalty"))

    def penalty(self, penalised: Penalised, call: Call, result: str, statements: list[Statement]) -> str:
        form = _PENALTIES.get(call.name.removeprefix("netspec.nn.losses."))
        texts = [literal(a) for a in call.arguments]

        def of(array: str) -> str:
            if form is None:
                return f"{self.variables.module.name(call)}({', '.join(texts)})({array})"
            return form.format(array, strength=texts[0])

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
    "zero_one": "{}.astype(jnp.float32)[..., None]",
    "plus_minus": "2.0 * {}.astype(jnp.float32)[..., None] - 1.0",
}

_LOSSES: Mapping[str, str] = {
    "plain_cross_entropy": "optax.softmax_cross_entropy_with_integer_labels({o}, {t})",
    "cross_entropy": "optax.softmax_cross_entropy({o}, optax.smooth_labels(nnx.one_hot({t}, {classes}), {smoothing}))",
    "binary_cross_entropy": "optax.sigmoid_binary_cross_entropy({o}, {t}).mean(axis=-1)",
    "squared_error": "jnp.square({o} - {t}).mean(axis={axes})",
    "absolute_error": "jnp.abs({o} - {t}).mean(axis={axes})",
    "huber": "optax.huber_loss({o}, {t}, delta={delta}).mean(axis={axes})",
    "hinge": "jnp.maximum(0.0, 1.0 - {t} * {o}).mean(axis=-1)",
}

_PENALTIES: Mapping[str, str] = {
    "l1": "{strength} * jnp.sum(jnp.abs({0}))",
    "l2": "0.5 * {strength} * jnp.sum(jnp.square({0}))",
}
