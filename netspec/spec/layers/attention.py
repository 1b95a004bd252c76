"""Attention, and what tells it positions apart: [length, channels] to [length, channels]."""

from typing import ClassVar

from netspec.spec.call import Call, Mismatch, Shape, call
from netspec.spec.layer import Layer
from netspec.spec.layers.recurrent import needs_sequence
from netspec.spec.values import LARGEST_COUNT, Count, Literally, Positive, Rate, Switch

__all__: list[str] = []


class Attention(Layer):
    """softmax(Q Kᵀ / √width) V in several heads side by side, and a matrix product back to the channels (Vaswani et
    al., 2017). Q, K and V are matrix products of the input; of two values, `from = ["x", "memory"]`, K and V are of the
    second.

    attention: heads.
    causal: whether a position takes from itself and earlier ones only.
    key_value_heads: heads of K and V, each of which serves several of Q (Ainslie et al., 2023); as many as of Q unless
    said otherwise.
    width: of a head; the channels divided by the heads unless said otherwise.
    rotary: whether Q and K are turned by their positions (Su et al., 2021).
    rotary_base: of the turns' wavelengths.
    query_key_norm: whether each head's Q and K are brought to root mean square 1 and scaled (Henry et al., 2020).
    bias: whether the matrix products have one.
    dropout: in training, the probability that one position takes nothing from one other.
    """

    takes: ClassVar[tuple[int, int]] = (1, 2)
    padded = "kept"

    attention: Count
    causal: Switch = False
    key_value_heads: Count | None = None
    width: Count | None = None
    rotary: Switch = False
    rotary_base: Positive = 10_000.0
    query_key_norm: Switch = False
    bias: Switch = True
    dropout: Rate = 0.0

    def lower(self, x: Shape, *others: Shape) -> Call:
        channels = needs_sequence(x)
        memory = [needs_sequence(other) for other in others]
        keys = self.key_value_heads or self.attention
        if self.attention % keys:
            message = f"cannot share {keys} heads of keys and values evenly among {self.attention} of queries"
            raise Mismatch(message, "key_value_heads")
        self._check_positions(bool(memory))
        optional = {
            "key_value_heads": None if keys == self.attention else keys,
            "memory_features": memory[0] if memory else None,
            "causal": self.causal,
            "rotary_base": self.rotary_base if self.rotary else None,
            "query_key_norm": self.query_key_norm,
            "dropout": self.dropout,
        }
        keywords = {key: value for key, value in optional.items() if value}
        keywords |= {"width": self._width(channels), "use_bias": self.bias}
        return call("netspec.nn.attention.Attention", channels, self.attention, **keywords)

    def _width(self, channels: int) -> int:
        width = self.width or channels // self.attention
        if self.width is None and channels % self.attention:
            message = f"cannot split {channels} channels into {self.attention} heads"
            raise Mismatch(message, "attention", help="heads that divide the channels, or a width of their own")
        if self.attention * width > LARGEST_COUNT:
            raise Mismatch(f"would have {self.attention * width:,} channels in its heads", "width")
        if self.rotary and width % 2:
            message = f"cannot turn heads of width {width} by pairs of channels"
            raise Mismatch(message, "rotary", help="an even width")
        return width

    def _check_positions(self, crosses: bool) -> None:
        """That what is said of positions is of use."""
        if not self.rotary and "rotary_base" in self.model_fields_set:
            raise Mismatch("turns nothing that rotary_base could be of", "rotary_base", help="rotary = true")
        for key in ("causal", "rotary"):
            if crosses and getattr(self, key):
                message = f"takes from another sequence, whose positions {key} cannot compare with its own"
                raise Mismatch(message, key)


class Positions(Layer):
    """Adds to each position of [length, channels] a vector of its own: one that is learned (Gehring et al., 2017), or
    sines and cosines of wavelengths from 2π to 20000π (Vaswani et al., 2017).

    positions: the most that there may be; the input's length unless said otherwise.
    form: "learned" or "sinusoidal".
    """

    padded = "kept"

    positions: Count | None = None
    form: Literally("learned", "sinusoidal") = "learned"  # type: ignore[valid-type]

    def lower(self, x: Shape) -> Call:
        channels, length = needs_sequence(x), x[0]
        most = self.positions or length
        if length > most:
            raise Mismatch(f"has {most} positions, and gets a sequence of {length}", "positions", label=f"gets {x}")
        if self.form == "sinusoidal":
            return call("netspec.nn.positions.sinusoidal")
        return call("netspec.nn.positions.Positions", most, channels)


class Tokens(Layer):
    """Puts learned vectors before a sequence, such as a class token: [length, channels] becomes [tokens + length,
    channels] (Devlin et al., 2019).

    tokens: how many.
    """

    tokens: Count = 1

    def lower(self, x: Shape) -> Call:
        return call("netspec.nn.positions.Tokens", self.tokens, needs_sequence(x))
