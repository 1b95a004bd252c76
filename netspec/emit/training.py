"""The training of a network as functions: the loss, the optimizer, a step, and a program that takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from netspec.build.program import Phase, Program
from netspec.diagnostics import Diagnostic, SpecError
from netspec.emit.body import Statement
from netspec.emit.marks import literal
from netspec.emit.module import Module
from netspec.emit.optimizer import check_optimizer
from netspec.emit.phases import Phases
from netspec.emit.start import begun
from netspec.emit.variables import Variables, dotted, function
from netspec.spec.call import Shape
from netspec.spec.layers.load import LoadedLayers

__all__ = ["functions"]

SAID = {"epochs", "steps", "batch", "evaluate", "save", "keep", "stop"}
"""Keys of `[train]` that are spoken of."""


def functions(program: Program, module: Module, network: str) -> Iterator[str]:
    """The functions of a training.

    Args:
        network: the name of the network's class.
    """
    _check_elsewhere(program)
    for phase in program.phases:
        _check(phase)
        check_optimizer(phase)
    variables = Variables(program, module, network)
    writer = _Writer(variables, Phases.of(variables))
    yield from writer.phases.functions
    yield from begun(variables)
    yield from writer.step()
    yield from writer.phases.table()
    yield from writer.main()


def _check(phase: Phase) -> None:
    """See that a training's section, or a phase, says nothing that has no source."""
    spec = phase.spec
    without = sorted(phase.train.model_fields_set - SAID)
    if len(phase.clock.stretches) > 1:
        without.append("batch")
    for key in without:
        path = spec.at("train", key)
        section = "[[phase]]" if path[0] == "phase" else "[train]"
        message = f"{section} cannot be compiled: '{key}' has no source"
        raise SpecError(Diagnostic("compile", message, spec.document.key_place(path)))


def _check_elsewhere(program: Program) -> None:
    for path, given in _ELSEWHERE.items():
        if given(program):
            what = "the weights of an earlier run have" if path == ("model", "layers") else f"'{path[-1]}' has"
            message = f"[{path[0]}] cannot be compiled: {what} no source"
            raise SpecError(Diagnostic("compile", message, program.spec.document.key_place(path)))


_ELSEWHERE: Mapping[tuple[str, ...], Callable[[Program], bool]] = {
    ("model", "layers"): lambda program: any(isinstance(n.layer, LoadedLayers) for n in program.network.graph.every()),
    ("data", "augment"): lambda program: program.last.augment is not None,
}
"""What else of a training has no source, and whether a program has it."""


@dataclass(slots=True)
class _Writer:
    variables: Variables
    phases: Phases

    @property
    def program(self) -> Program:
        return self.variables.program

    @property
    def module(self) -> Module:
        return self.variables.module

    # -- a step, and all of them ---------------------------------------------------------------------------------------

    def step(self) -> Iterator[str]:
        phases, batch = self.phases, ", ".join(self.variables.batch)
        trained = "optimizer.wrt" if phases.trainable.differs else phases.trainable.text
        of = "" if trained == "nnx.Param" else f", argnums=nnx.DiffState(0, {trained})"
        statements = [
            *self.elsewhere(trained),
            Statement(f"nnx.value_and_grad(loss{of})(model, {batch})", "value, gradient"),
            Statement(f"optimizer.update(model, gradient{phases.told})"),
            Statement("return value"),
        ]
        arguments = [
            f"model: {self.variables.network}",
            "optimizer: nnx.Optimizer",
            *(["loss: Callable[..., jax.Array]"] if phases.loss.differs else []),
            *(f"{n}: jax.Array" for n in self.variables.batch),
        ]
        header = f"def train_step({', '.join(arguments)}) -> jax.Array"
        decorator = '@nnx.jit(static_argnames="loss")' if phases.loss.differs else "@nnx.jit"
        what = "the parameters that the optimizer is of" if phases.trainable.differs else "the parameters"
        yield f"{decorator}\n" + function(header, f"Update {what}; the loss before that.", statements)

    def elsewhere(self, trained: str) -> Iterator[Statement]:
        """The loss of the batch as a function of the parameters, where an optimizer asks for it."""
        if self.phases.searches:
            yield Statement(f"nnx.split(nnx.clone(model), {trained}, ...)", "graph, _, rest")
            value = f"loss(nnx.merge(graph, parameters, rest, copy=True), {', '.join(self.variables.batch)})"
            yield Statement("def loss_at(parameters: nnx.State) -> jax.Array:", None, [Statement(f"return {value}")])

    def main(self) -> Iterator[str]:
        program, phases, seed = self.program, self.phases, self.program.spec.seed
        start = ["start: str"] if program.spec.start else []
        statements = [
            Statement("np.load(path)", "arrays"),
            *(Statement(text, name) for name, text in self.loaded()),
            Statement(f"{self.variables.network}(rngs=nnx.Rngs({seed}))", "model"),
            *self.from_data(seed),
            *([Statement("begin(model, start)")] if start else []),
        ]
        shuffle = [] if phases.whole else [Statement(f"np.random.default_rng({seed})", "shuffle")]
        made = f"nnx.Optimizer(model, {phases.optimizer.text}(), wrt={phases.trainable.text})"
        training = [Statement(made, "optimizer"), *([] if phases.several else shuffle), self.loop()]
        if phases.several:
            training = [*shuffle, Statement(f"for phase in {phases.name}:", None, training)]
        header = f"def main({', '.join(['path: str', *start])}) -> None"
        yield function(header, self.doc(), [*statements, *training])
        given = "*sys.argv[1:]" if start else "sys.argv[1]"
        yield f'if __name__ == "__main__":\n    main({given})'

    def loop(self) -> Statement:
        """The steps of a training, or of a phase."""
        phases, one = self.phases, self.variables.batch[0]
        given = self.variables.batch if phases.whole else [f"{name}[rows]" for name in self.variables.batch]
        loss = ["phase.loss"] if phases.loss.differs else []
        step = f"train_step({', '.join(['model', 'optimizer', *loss, *given])})"
        which = "{phase.name}, " if phases.several else ""
        size = phases.batch.text
        if not phases.by_epoch:
            drawn = [] if phases.whole else self.drawn(one, size)
            told = Statement(f'print(f"{which}step {{step + 1}}: loss {{value:.4f}}")')
            inside = [
                *drawn,
                Statement(step, "value"),
                Statement(f"if (step + 1) % {self.often()} == 0:", None, [told]),
            ]
            return Statement(f"for step in range({phases.length.text}):", None, inside)
        last = f"{int(size) - 1}" if size.isdecimal() else f"{size} + 1"
        inside = [
            Statement(f"shuffle.permutation(len({one}))", "order"),
            Statement("[]", "losses"),
            Statement(
                f"for first in range(0, len({one}) - {last}, {size}):",
                None,
                [Statement(f"order[first : first + {size}]", "rows"), Statement(f"losses.append({step})")],
            ),
            Statement(f'print(f"{which}epoch {{epoch + 1}}: loss {{np.mean(losses):.4f}}")'),
        ]
        return Statement(f"for epoch in range({phases.length.text}):", None, inside)

    def often(self) -> str:
        """After how many steps the loss is printed."""
        length = self.phases.length.text
        return str(max(1, int(length) // 10)) if length.isdecimal() else f"max(1, {length} // 10)"

    def drawn(self, one: str, size: str) -> list[Statement]:
        """The rows of a step's batch, where a training is counted in steps."""
        permuted = Statement(f"shuffle.permutation(len({one}))", "order")
        return [
            Statement(f"step % (len({one}) // {size}) * {size}", "first"),
            Statement("if first == 0:", None, [permuted]),
            Statement(f"order[first : first + {size}]", "rows"),
        ]

    def loaded(self) -> Iterator[tuple[str, str]]:
        facts, graph = self.program.facts, self.program.network.graph
        for name, (array, value) in zip(self.variables.inputs, graph.inputs.items(), strict=True):
            yield name, f"jnp.asarray(arrays[{literal(array)}], jnp.{value.dtype})"
        for array, name in self.variables.targets.items():
            dtype = "int32" if facts.targets[array].kind == "class" else "float32"
            yield name, f"jnp.asarray(arrays[{literal(array)}], jnp.{dtype})"

    def doc(self) -> str:
        facts, graph = self.program.facts, self.program.network.graph
        found = [f"`{name}` {Shape(('n', *value.shape))}" for name, value in graph.inputs.items()]  # type: ignore[arg-type]
        for name in self.variables.targets:
            target = facts.targets[name]
            what = f", classes from 0 to {len(target.labels) - 1}" if target.kind == "class" else ""
            found.append(f"`{name}` {Shape(('n', *target.shape))}{what}")  # type: ignore[arg-type]
        start = " `start` is the file that `begin` takes." if self.program.spec.start else ""
        return (
            f"Train on the arrays of an .npz file, as [data] transforms them: {'; '.join(found)}.{start}{self.ends()}"
        )

    def ends(self) -> str:
        """What a training, or a phase, ends with, where the spec has it otherwise."""
        trains, of = [phase.train for phase in self.program.phases], " of each phase" if self.phases.several else ""
        kept = next((train.keep.best for train in trains if train.keep), "")
        said = f" The result{of} is the last step's; the spec keeps the best {kept}'s." if kept else ""
        return f"{said} All steps are made; the spec may stop before." if any(t.stop for t in trains) else said

    def from_data(self, seed: int) -> list[Statement]:
        """The parameters that begin as the data says, of layers that read the network's input."""
        found = []
        first = next(iter(self.program.network.graph.nodes))
        for path, call in self.module.from_data.items():
            place = dotted(self.module.path(path))
            name = call.name.rpartition(".")[2]
            if path.rpartition("/")[0] == first.path and not first.sources:
                text = f"{self.module.name(call)}(np.asarray({self.variables.inputs[0]}), {place}.shape, {seed})"
                found.append(Statement(text, f"{place}[...]"))
            else:
                found.append(Statement(f"# The spec begins {place} as the {name} of what its layer reads."))
        return found
