"""The training of a network as functions: the loss, the optimizer, a step, and a program that takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netspec.build.program import Program
from netspec.diagnostics import Diagnostic, SpecError
from netspec.emit.body import Statement
from netspec.emit.marks import literal
from netspec.emit.module import Module
from netspec.emit.objective import loss_function
from netspec.emit.optimizer import OptimizerWriter, check_optimizer, searches, told
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
    _check(program)
    check_optimizer(program)
    variables = Variables(program, module, network)
    writer = _Writer(variables)
    yield loss_function(variables)
    yield from writer.trainable()
    yield from OptimizerWriter(program, module).functions()
    yield from writer.step()
    yield from writer.main()


def _check(program: Program) -> None:
    """See that a training's section says nothing that has no source."""
    train, document = program.spec.train, program.spec.document
    assert train is not None
    for key in sorted(train.model_fields_set - SAID):
        message = f"[train] cannot be compiled: '{key}' has no source"
        raise SpecError(Diagnostic("compile", message, document.key_place(("train", key))))
    for path, given in _ELSEWHERE.items():
        if given(program):
            what = "the weights of an earlier run have" if path == ("model", "layers") else f"'{path[-1]}' has"
            message = f"[{path[0]}] cannot be compiled: {what} no source"
            raise SpecError(Diagnostic("compile", message, document.key_place(path)))


_ELSEWHERE: Mapping[tuple[str, ...], Callable[[Program], bool]] = {
    ("phase",): lambda program: bool(program.spec.phases),
    ("start",): lambda program: program.spec.start is not None,
    ("model", "layers"): lambda program: any(isinstance(n.layer, LoadedLayers) for n in program.network.graph.every()),
    ("data", "augment"): lambda program: program.last.augment is not None,
    ("train", "batch"): lambda program: len(program.last.clock.stretches) > 1,
}
"""What else of a training has no source, and whether a program has it."""


@dataclass(slots=True)
class _Writer:
    variables: Variables

    @property
    def program(self) -> Program:
        return self.variables.program

    @property
    def module(self) -> Module:
        return self.variables.module

    def parameters(self) -> str:
        """The filter of what is trained."""
        return "trainable" if self.program.network.graph.frozen else "nnx.Param"

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
        yield function(header, doc, [Statement(f"return isinstance(value, nnx.Param) and {test}")])

    # -- a step, and all of them ---------------------------------------------------------------------------------------

    def step(self) -> Iterator[str]:
        of = "" if self.parameters() == "nnx.Param" else f", argnums=nnx.DiffState(0, {self.parameters()})"
        statements = [
            *self.elsewhere(),
            Statement(f"nnx.value_and_grad(loss{of})(model, {', '.join(self.variables.batch)})", "value, gradient"),
            Statement(f"optimizer.update(model, gradient{told(self.program)})"),
            Statement("return value"),
        ]
        arguments = [
            f"model: {self.variables.network}",
            "optimizer: nnx.Optimizer",
            *(f"{n}: jax.Array" for n in self.variables.batch),
        ]
        header = f"def train_step({', '.join(arguments)}) -> jax.Array"
        yield "@nnx.jit\n" + function(header, "Update the parameters; the loss before that.", statements)

    def elsewhere(self) -> Iterator[Statement]:
        """The loss of the batch as a function of the parameters, where an optimizer asks for it."""
        if searches(self.program):
            yield Statement(f"nnx.split(nnx.clone(model), {self.parameters()}, ...)", "graph, _, rest")
            value = f"loss(nnx.merge(graph, parameters, rest, copy=True), {', '.join(self.variables.batch)})"
            yield Statement("def loss_at(parameters: nnx.State) -> jax.Array:", None, [Statement(f"return {value}")])

    def main(self) -> Iterator[str]:
        program, batch = self.program, ", ".join(self.variables.batch)
        assert program.spec.train is not None
        seed, one = program.spec.seed, self.variables.batch[0]
        statements = [
            Statement("np.load(path)", "arrays"),
            *(Statement(text, name) for name, text in self.loaded()),
            Statement(f"{self.variables.network}(rngs=nnx.Rngs({seed}))", "model"),
            *self.from_data(seed),
            Statement(f"nnx.Optimizer(model, make_optimizer(), wrt={self.parameters()})", "optimizer"),
        ]
        whole = program.spec.train.batch == "all"
        if not whole:
            statements.append(Statement(f"np.random.default_rng({seed})", "shuffle"))
        rows = ", ".join(f"{name}[rows]" for name in self.variables.batch)
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
        yield function("def main(path: str) -> None", self.doc(), [*statements, loop])
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
        train = self.program.last.train
        kept = f" The result is the last step's; the spec keeps the best {train.keep.best}'s." if train.keep else ""
        kept += " All steps are made; the spec may stop before." if train.stop else ""
        return f"Train on the arrays of an .npz file, as [data] transforms them: {'; '.join(found)}.{kept}"

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


def _set(values: Sequence[Any]) -> str:
    return f"{{{', '.join(literal(v) for v in values)}}}"
