"""The training of a network as functions: the loss, the optimizer, a step, and a program that takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netspec.build.objective import Penalised, Term
from netspec.build.program import Program
from netspec.diagnostics import Diagnostic, SpecError
from netspec.emit.body import Statement, lines_of
from netspec.emit.layout import lay_out, paragraph
from netspec.emit.makers import written_call
from netspec.emit.marks import literal
from netspec.emit.module import Attribute, Module
from netspec.emit.names import free
from netspec.spec.call import Call, Shape
from netspec.spec.losses import Loss

__all__ = ["extra_outputs", "functions"]

SAID = {"epochs", "steps", "batch", "evaluate", "save", "keep"}
"""Keys of `[train]` that are spoken of."""

FEW = 3
"""Parameters that are named one by one, at the most."""


def extra_outputs(program: Program) -> dict[str, str]:
    """What the network has to give besides its outputs: by name, the paths of layers whose results are penalised."""
    known = {path: name for name, path in program.network.graph.outputs.items()}
    found: dict[str, str] = {}
    for path in sorted(program.objective.also - set(known)):
        found[free(path.rpartition("/")[2], {*known.values(), *found})] = path
    return found


def functions(program: Program, module: Module, network: str) -> Iterator[str]:
    """The functions of a training.

    Args:
        network: the name of the network's class.
    """
    _check(program)
    writer = _Writer(program, module, network)
    yield from writer.loss()
    yield from writer.trainable()
    yield from writer.optimizer()
    yield from writer.step()
    yield from writer.main()


def _check(program: Program) -> None:
    """See that a training's section says nothing that has no source."""
    train, document = program.spec.train, program.spec.document
    assert train is not None
    for key in sorted(train.model_fields_set - SAID):
        message = f"[train] cannot be compiled: '{key}' has no source"
        raise SpecError(Diagnostic("compile", message, document.key_place(("train", key))))


def _function(header: str, doc: str, statements: Sequence[Statement]) -> str:
    lines = [*lay_out(f"{header}:"), *paragraph(doc, 4)]
    for indent, line in lines_of(statements, 4):
        lines += lay_out(line, indent)
    return "\n".join(lines)


@dataclass(slots=True)
class _Writer:
    program: Program
    module: Module
    network: str

    @property
    def inputs(self) -> list[str]:
        """What the network's call takes."""
        return [argument.partition(":")[0] for argument in self.module.classes[-1].arguments]

    @property
    def targets(self) -> dict[str, str]:
        """By name of a target that is read, its variable."""
        names = dict.fromkeys(t.aim.target for t in self.program.objective.terms if not t.aim.of_input)
        taken = {*self.inputs, *self.module.taken, "model"}
        found: dict[str, str] = {}
        for name in names:
            found[name] = free("targets" if len(names) == 1 else name, {*taken, *found.values()})
        return found

    @property
    def batch(self) -> list[str]:
        """The arrays of a batch."""
        return [*self.inputs, *self.targets.values()]

    def parameters(self) -> str:
        """The filter of what is trained."""
        return "trainable" if self.program.network.graph.frozen else "nnx.Param"

    # -- the loss ------------------------------------------------------------------------------------------------------

    def loss(self) -> Iterator[str]:
        objective = self.program.objective
        several = self.module.classes[-1].result.startswith("{")
        result = "outputs" if several or objective.terms[0].form == "number" else "logits"
        statements = [Statement(f"model({', '.join(self.inputs)})", result)]
        terms = []
        for i, term in enumerate(objective.terms):
            output = f"{result}[{literal(term.aim.output)}]" if several else result
            lines, text = self.term(i, term, output)
            statements += lines
            terms.append(text if term.weight == 1.0 else f"{literal(term.weight)} * {text}")
        if len(terms) > 1:
            names = [free(t.aim.output, {*self.batch, *self.module.taken, "model", result}) for t in objective.terms]
            if len(set(names)) == len(names):
                statements += [Statement(text, name) for text, name in zip(terms, names, strict=True)]
                terms = names
        total = " + ".join(terms)
        if objective.penalties:
            if len(total) > 40:
                statements.append(Statement(total, "total"))
                total = "total"
            texts = self.penalties(result, statements)
            statements.append(Statement(" + ".join(texts), "penalty"))
            total = f"{total} + penalty"
        kinds = " and ".join(dict.fromkeys(t.kind.replace("_", " ") for t in objective.terms))
        doc = f"The mean {kinds} of a batch{', and the penalties' if objective.penalties else ''}."
        arguments = ", ".join([f"model: {self.network}", *(f"{name}: jax.Array" for name in self.batch)])
        yield _function(f"def loss({arguments}) -> jax.Array", doc, [*statements, Statement(f"return {total}")])

    def term(self, i: int, term: Term, output: str) -> tuple[list[Statement], str]:
        """The statements of one loss, and what it is."""
        aim = term.aim
        name = self.inputs[list(self.program.network.graph.inputs).index(aim.target)] if aim.of_input else None
        wanted = name or self.targets[aim.target]
        shape = self.program.network.graph.output_shapes[aim.output]
        text = f"{wanted}[:, -1]" if self.is_last(term, shape) else wanted
        text = _ENCODED.get(term.form, "{}").format(text)
        statements = []
        if text != wanted and sum(t.aim.target == aim.target for t in self.program.objective.terms) == 1:
            statements.append(Statement(text, wanted))
            text = wanted
        each = self.each(self.program.spec.losses[i].lower(), self.program.spec.losses[i], output, text, shape)
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
        return f"{self.module.name(call)}({', '.join(arguments)})"

    # -- penalties -----------------------------------------------------------------------------------------------------

    def penalties(self, result: str, statements: list[Statement]) -> list[str]:
        written = [p for loss in self.program.spec.losses for p in loss.penalties]
        pairs = zip(self.program.objective.penalties, written, strict=True)
        return [self.penalty(penalised, penalty.lower(), result, statements) for penalised, penalty in pairs]

    def penalty(self, penalised: Penalised, call: Call, result: str, statements: list[Statement]) -> str:
        form = _PENALTIES.get(call.name.removeprefix("netspec.nn.losses."))
        texts = [literal(a) for a in call.arguments]

        def of(array: str) -> str:
            if form is None:
                return f"{self.module.name(call)}({', '.join(texts)})({array})"
            return form.format(array, strength=texts[0])

        if penalised.node is not None:
            outputs = {**self.program.network.graph.outputs, **extra_outputs(self.program)}
            name = next(n for n, path in outputs.items() if path == penalised.node)
            value = f"{result}[{literal(name)}]"
            return f"{of(value)} / {value}.shape[0]"
        if len(penalised.parameters) == 1:
            return of(f"{_dotted(self.module.path(penalised.parameters[0]))}[...]")
        arrays = self.arrays(penalised.parameters)
        if arrays.startswith("["):
            name = free("weights", {s.target for s in statements if s.target})
            statements.append(Statement(arrays, name))
            return f"sum({of('w')} for w in {name})"
        return f"sum({of('w[...]')} for w in {arrays})"

    def arrays(self, paths: Sequence[str]) -> str:
        """Some parameters, named one by one or by what they are called."""
        found = [self.module.path(path) for path in paths]
        ends = sorted({str(path[-1]) for path in found})
        every = list(self.program.network.graph.parameters)
        if len(found) > FEW and sum(self.module.path(p)[-1] in ends for p in every) == len(found):
            test = f'path[-1] == "{ends[0]}"' if len(ends) == 1 else f"path[-1] in {literal(tuple(ends))}"
            return f"[w[...] for path, w in nnx.to_flat_state(nnx.state(model, nnx.Param)) if {test}]"
        return f"({', '.join(map(_dotted, found))})"

    # -- the optimizer -------------------------------------------------------------------------------------------------

    def trainable(self) -> Iterator[str]:
        """The filter of what is trained, where that is not everything."""
        graph = self.program.network.graph
        if not graph.frozen:
            return
        paths = {self.module.path(p) for p in graph.frozen}
        others = {self.module.path(p) for p in set(graph.parameters) - graph.frozen}
        first = sorted({str(path[0]) for path in paths})
        if {path[0] for path in others} & set(first):
            test = f"path not in {_set(sorted(paths, key=str))}"
        else:
            test = f'path[0] != "{first[0]}"' if len(first) == 1 else f"path[0] not in {_set(first)}"
        header = "def trainable(path: tuple, value: nnx.Variable) -> bool"
        doc = "Whether something is a parameter that does not stay as it begins."
        yield _function(header, doc, [Statement(f"return isinstance(value, nnx.Param) and {test}")])

    def optimizer(self) -> Iterator[str]:
        statements: list[Statement] = []
        chain = [self.made(call, statements) for call in self.program.updater.chain]
        text = chain[0] if len(chain) == 1 else f"optax.chain({', '.join(chain)})"
        clock = self.program.clock
        doc = f"How parameters are updated, in {clock.steps:,} steps, {clock.per_epoch:,} an epoch."
        header = "def make_optimizer() -> optax.GradientTransformation"
        yield _function(header, doc, [*statements, Statement(f"return {text}")])

    def made(self, value: Call, statements: list[Statement]) -> str:
        """A call among the arguments of an optimizer, as printed."""
        if value.name != "netspec.nn.schedules.scaled":
            return written_call(self.module, value, lambda inner: self.made(inner, statements))
        rate, factor = value.arguments
        statements.append(Statement(self.made(factor, statements), "factor"))
        inside = [Statement(f"return {literal(rate)} * factor(step)")]
        statements.append(Statement("def learning_rate(step: jax.Array) -> jax.Array:", None, inside))
        return "learning_rate"

    # -- a step, and all of them ---------------------------------------------------------------------------------------

    def step(self) -> Iterator[str]:
        of = "" if self.parameters() == "nnx.Param" else f", argnums=nnx.DiffState(0, {self.parameters()})"
        statements = [
            Statement(f"nnx.value_and_grad(loss{of})(model, {', '.join(self.batch)})", "value, gradient"),
            Statement("optimizer.update(model, gradient)"),
            Statement("return value"),
        ]
        arguments = [f"model: {self.network}", "optimizer: nnx.Optimizer", *(f"{n}: jax.Array" for n in self.batch)]
        header = f"def train_step({', '.join(arguments)}) -> jax.Array"
        yield "@nnx.jit\n" + _function(header, "Update the parameters; the loss before that.", statements)

    def main(self) -> Iterator[str]:
        program, batch = self.program, ", ".join(self.batch)
        assert program.spec.train is not None
        seed, one = program.spec.seed, self.batch[0]
        statements = [
            Statement("np.load(path)", "arrays"),
            *(Statement(text, name) for name, text in self.loaded()),
            Statement(f"{self.network}(rngs=nnx.Rngs({seed}))", "model"),
            *self.from_data(seed),
            Statement(f"nnx.Optimizer(model, make_optimizer(), wrt={self.parameters()})", "optimizer"),
        ]
        whole = program.spec.train.batch == "all"
        if not whole:
            statements.append(Statement(f"np.random.default_rng({seed})", "shuffle"))
        rows = ", ".join(f"{name}[rows]" for name in self.batch)
        size = program.batch
        if program.spec.train.epochs is not None and not whole:
            inside = [
                Statement(f"shuffle.permutation(len({one}))", "order"),
                Statement("[]", "losses"),
                Statement(
                    f"for first in range(0, len({one}) - {size - 1}, {size}):",
                    None,
                    [
                        Statement(f"order[first : first + {size}]", "rows"),
                        Statement(f"losses.append(train_step(model, optimizer, {rows}))"),
                    ],
                ),
                Statement('print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")'),
            ]
            loop = Statement(f"for epoch in range({program.spec.train.epochs}):", None, inside)
        else:
            drawn = [] if whole else self.drawn(one, size)
            inside = [
                *drawn,
                Statement(f"train_step(model, optimizer, {batch if whole else rows})", "value"),
                Statement(
                    f"if (step + 1) % {max(1, program.clock.steps // 10)} == 0:",
                    None,
                    [Statement('print(f"step {step + 1}: loss {value:.4f}")')],
                ),
            ]
            loop = Statement(f"for step in range({program.clock.steps}):", None, inside)
        yield _function("def main(path: str) -> None", self.doc(), [*statements, loop])
        yield 'if __name__ == "__main__":\n    main(sys.argv[1])'

    def drawn(self, one: str, size: int) -> list[Statement]:
        """The rows of a step's batch, where a training is counted in steps."""
        permuted = Statement(f"shuffle.permutation(len({one}))", "order")
        return [
            Statement(f"step % (len({one}) // {size}) * {size}", "first"),
            Statement("if first == 0:", None, [permuted]),
            Statement(f"order[first : first + {size}]", "rows"),
        ]

    def loaded(self) -> Iterator[tuple[str, str]]:
        facts, graph = self.program.facts, self.program.network.graph
        for name, (array, value) in zip(self.inputs, graph.inputs.items(), strict=True):
            yield name, f"jnp.asarray(arrays[{literal(array)}], jnp.{value.dtype})"
        for array, name in self.targets.items():
            dtype = "int32" if facts.targets[array].kind == "class" else "float32"
            yield name, f"jnp.asarray(arrays[{literal(array)}], jnp.{dtype})"

    def doc(self) -> str:
        facts, graph = self.program.facts, self.program.network.graph
        found = [f"`{name}` {Shape(('n', *value.shape))}" for name, value in graph.inputs.items()]  # type: ignore[arg-type]
        for name in self.targets:
            target = facts.targets[name]
            what = f", classes from 0 to {len(target.labels) - 1}" if target.kind == "class" else ""
            found.append(f"`{name}` {Shape(('n', *target.shape))}{what}")  # type: ignore[arg-type]
        keep = self.program.spec.train.keep if self.program.spec.train else None
        kept = f" The result is the last step's; the spec keeps the best {keep.best}'s." if keep else ""
        return f"Train on the arrays of an .npz file, as [data] transforms them: {'; '.join(found)}.{kept}"

    def from_data(self, seed: int) -> list[Statement]:
        """The parameters that begin as the data says, of layers that read the network's input."""
        found = []
        first = next(iter(self.program.network.graph.nodes))
        for path, call in self.module.from_data.items():
            place = _dotted(self.module.path(path))
            name = call.name.rpartition(".")[2]
            if path.rpartition("/")[0] == first.path and not first.sources:
                text = f"{self.module.name(call)}(np.asarray({self.inputs[0]}), {place}.shape, {seed})"
                found.append(Statement(text, f"{place}[...]"))
            else:
                found.append(Statement(f"# The spec begins {place} as the {name} of what its layer reads."))
        return found


def _set(values: Sequence[Any]) -> str:
    return f"{{{', '.join(literal(v) for v in values)}}}"


def _dotted(path: Attribute) -> str:
    """A parameter of the model.

    >>> _dotted(("blocks", 0, "kernel"))
    'model.blocks[0].kernel'
    """
    return "model" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


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
