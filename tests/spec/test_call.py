from __future__ import annotations

import pytest

from netspec.spec.call import Call, Shape, call

CONSTANT = call("optax.constant_schedule", 1.0)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (call("jax.nn.relu"), "relu()"),
        (call("flax.nnx.Conv", 3, 6, kernel_size=(5,), padding="SAME"), "Conv(3, 6, kernel_size=(5,), padding='SAME')"),
        (call("jax.numpy.reshape", Shape((28, 1)), ()), "reshape((28, 1), ())"),
        (call("optax.chain", call("optax.scale", -1)), "chain(scale(-1))"),
        (
            call("optax.join_schedules", (CONSTANT, CONSTANT), boundaries=(9,)),
            "join_schedules((constant_schedule(1.0), constant_schedule(1.0)), boundaries=(9,))",
        ),
        (call("optax.chain", ((CONSTANT,),)), "chain(((constant_schedule(1.0),),))"),
    ],
)
def test_a_call_reads_as_source(made: Call, text: str) -> None:
    assert str(made) == text
