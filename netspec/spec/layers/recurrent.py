"""Recurrent layers: [length, channels] to the state at each position."""

from netspec.spec.call import Call, Mismatch, Shape, call
from netspec.spec.layer import Layer
from netspec.spec.values import Count, Literally, Number, Switch

__all__ = ["needs_sequence"]


def needs_sequence(x: Shape) -> int:
    """The channels of an input [length, channels]."""
    if len(x) != 2:
        missing = "numbers that stand for words or letters go through 'embed' first" if len(x) == 1 else ""
        raise Mismatch(f"needs [length, channels], and gets {x}", label=f"gets {x}", help=missing)
    return x.channels


class Rnn(Layer):
    """h_t = f(x_t W + h_(t-1) R + b), with h_0 = 0 (Elman, 1990): [length, channels] becomes [length, rnn].

    rnn: units of the state h.
    activation: f: "tanh", "relu", "sigmoid" or "identity".
    bias: whether b is there.
    """

    padded = "kept"

    rnn: Count
    activation: Literally("tanh", "relu", "sigmoid", "identity") = "tanh"  # type: ignore[valid-type]
    bias: Switch = True

    def lower(self, x: Shape) -> Call:
        width = needs_sequence(x)
        name = "netspec.nn.recurrent.RNN"
        return call(name, width, self.rnn, activation=self.activation, use_bias=self.bias)


class Lstm(Layer):
    """c_t = σ(f) c_(t-1) + σ(i) tanh(g) and h_t = σ(o) tanh(c_t), with [i, f, g, o] = x_t W + h_(t-1) R + b: the long
    short-term memory (Hochreiter and Schmidhuber, 1997; Gers et al., 2000). [length, channels] becomes [length, lstm].

    lstm: units of the state h, and of the memory c.
    bias: whether b is there.
    forget_bias: where b begins for f: at 1 the memory is kept at first (Jozefowicz et al., 2015).
    """

    padded = "kept"

    lstm: Count
    bias: Switch = True
    forget_bias: Number = 1.0

    def lower(self, x: Shape) -> Call:
        if not self.bias and "forget_bias" in self.model_fields_set:
            raise Mismatch("has no bias that forget_bias could be of", "forget_bias")
        name = "netspec.nn.recurrent.LSTM"
        return call(name, needs_sequence(x), self.lstm, use_bias=self.bias, forget_bias=self.forget_bias)


class Gru(Layer):
    """h_t = (1 - z) n + z h_(t-1), with n = tanh(x_t W_n + r (h_(t-1) R_n) + b_n), and z and r the σ of sums like those
    of an `rnn`: the gated recurrent unit (Cho et al., 2014). [length, channels] becomes [length, gru].

    gru: units of the state h.
    bias: whether b is there.
    """

    padded = "kept"

    gru: Count
    bias: Switch = True

    def lower(self, x: Shape) -> Call:
        return call("netspec.nn.recurrent.GRU", needs_sequence(x), self.gru, use_bias=self.bias)
