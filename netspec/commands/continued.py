"""What a run says of a text that is typed: how it goes on, or what it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.commands.trained import Prediction, Trained, open_run, predict_inputs, weights_of
from netspec.diagnostics import DataError, Diagnostic, NetspecError, RunError

if TYPE_CHECKING:
    from netspec.data.tokens import Tokens
    from netspec.train.continuation import Writer

__all__ = ["Continuation", "predict_text"]

TOKENS = 200
"""That follow a prompt, unless it is said otherwise."""

MOST_TOKENS = 1_000_000


@dataclass(frozen=True, slots=True)
class Continuation:
    """A text that goes on, as long as somebody reads.

    Args:
        prompt: what it begins with.
        pieces: what follows, token by token.
        tokens: how many tokens follow.
    """

    prompt: str
    pieces: Iterator[str]
    tokens: int
    warnings: tuple[Diagnostic, ...] = ()


def predict_text(
    path: Path,
    text: str,
    tokens: int | None = None,
    temperature: float | None = None,
    seed: int | None = None,
    device: str | None = None,
) -> Continuation | Prediction:
    """Let a run's network continue a text, if it was trained on running text; or say what a text is.

    Args:
        tokens: how many follow; 200 unless said otherwise.
        temperature: what logits are divided by before a token is drawn, 0.8 unless said otherwise; 0 takes the
            likeliest one.
        seed: of the draws; 0 unless said otherwise.

    Raises:
        NetspecError: the run has no checkpoint, or does not read text; the text does not do.
    """
    from netspec.train.device import choose, keep_compiled

    choose(device)
    keep_compiled()
    trained = open_run(path)
    known = trained.preparation.format
    if known.reading == "text":
        wanted = (TOKENS if tokens is None else tokens, 0.8 if temperature is None else temperature, seed or 0)
        return _continued(trained, text, *wanted)
    if known.input.tokens is None:
        message = f"{path} reads no text"
        raise RunError(Diagnostic("wrong-data", message, file=str(path), help="give a file of inputs instead"))
    given = {"--tokens": tokens, "--temperature": temperature, "--seed": seed}
    for option, value in given.items():
        if value is not None:
            raise _error("choice", f"{option} is for a network that continues text, and {path} says what a text is")
    from netspec.data import read_text

    return predict_inputs(trained, read_text(text, trained.preparation))


def _error(code: str, message: str, note: str = "", help: str = "") -> NetspecError:  # noqa: A002
    return DataError(Diagnostic(code, message, note=note, help=help))


def _continued(trained: Trained, text: str, count: int, temperature: float, seed: int) -> Continuation:
    from netspec.train.continuation import Writer

    tokens = trained.preparation.format.input.tokens
    assert tokens is not None
    _check_numbers(count, temperature)
    prompt = tokens.encode(text)
    if not len(prompt):
        raise _error("no-text", "--text holds nothing to go on from", help="give a beginning, such as a space")
    program, _, parameters, statistics, damaged = weights_of(trained)
    aim = program.objective.terms[0].aim
    if aim.of_input or aim.target not in trained.preparation.format.targets or len(program.network.graph.inputs) != 1:
        raise _error("wrong-data", f"{trained.run.path} was not trained to say the next token")
    writer = Writer(program, parameters, statistics, tokens.first)
    _check_prompt(writer, len(prompt), tokens)
    if writer.looks_ahead(prompt):
        message = "the network looks at tokens that come later, and cannot continue a text"
        raise _error("not-causal", message, help="an lstm reads in one direction; attention does with causal = true")
    pieces = tokens.pieces(writer.tokens(prompt, count, temperature, seed), text)
    return Continuation(text, pieces, count, (*damaged, *_unknown(text, tokens)))


def _check_numbers(count: int, temperature: float) -> None:
    if not 1 <= count <= MOST_TOKENS:
        raise _error("value", f"--tokens must be from 1 to {MOST_TOKENS:,}, not {count:,}")
    if not 0 <= temperature <= 1000:
        raise _error("value", f"--temperature must be from 0 to 1,000, not {temperature:g}")


def _check_prompt(writer: Writer, length: int, tokens: Tokens) -> None:
    """See that a network which speaks after its last position alone has a whole window to read."""
    if not writer.every and length < writer.window:
        message = f"the network reads {writer.window} {tokens.kind} to say the next, and --text has {length}"
        help_ = "give a longer one; a network without 'take', which speaks at every position, takes any"
        raise _error("short-text", message, help=help_)


def _unknown(text: str, tokens: Tokens) -> tuple[Diagnostic, ...]:
    """A warning of the tokens of a prompt that training has not seen."""
    from netspec.data.files import listed
    from netspec.data.tokens import parted

    if tokens.unknown is None:
        return ()
    different = parted(text, tokens.kind)[0]
    unknown = [
        f"'{token}'" for token, i in zip(different, tokens.numbers(different), strict=True) if i == tokens.unknown
    ]
    if not unknown:
        return ()
    message = f"training has not seen these {tokens.kind}: {listed(unknown, len(unknown))}"
    return (Diagnostic("unknown-token", message, severity="warning"),)
