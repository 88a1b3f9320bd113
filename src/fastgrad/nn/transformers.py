"""Multi-head attention and the layers of transformers, with PyTorch's parameters."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastgrad._engine import Tensor
from fastgrad.errors import BadSetting, ShapeError
from fastgrad.functions.constants import empty, zeros
from fastgrad.nn import functional as F
from fastgrad.nn import init
from fastgrad.nn.attention import additive_mask, attention_weights, with_dropout
from fastgrad.nn.containers import ModuleList
from fastgrad.nn.layers import Dropout, Linear
from fastgrad.nn.messages import bad_probability
from fastgrad.nn.module import Module, Parameter
from fastgrad.nn.normalization import LayerNorm
from fastgrad.nn.random import generator
from fastgrad.nn.reductions import as_tensor


class MultiheadAttention(Module):
    """Attention of several heads: `softmax(q @ k.T / sqrt(d) + mask) @ v` of each head, joined and projected.

    Parameters
    ----------
    embed_dim : int
        The number of features of queries and outputs.
    num_heads : int
        Must divide `embed_dim`; each head has `d = embed_dim / num_heads` features.
    dropout : float
        Probability of dropout of attention weights, in training mode.
    bias : bool
    add_bias_kv, add_zero_attn : bool
        Must be False.
    kdim, vdim : int, optional
        The numbers of features of keys and values, by default `embed_dim`.
    batch_first : bool
        Whether sequences are (batch, steps, features) instead of (steps, batch, features).
    dtype : dtype
    rng : numpy.random.Generator or int, optional
        Source of the initial values; by default the generator of the package, see `fg.nn.seed`.

    Attributes
    ----------
    in_proj_weight : Tensor, shape (3 * embed_dim, embed_dim), or None
        The projections to queries, keys and values, drawn by `xavier_uniform_`. If `kdim` or `vdim` differ, there are
        `q_proj_weight`, `k_proj_weight` and `v_proj_weight` instead.
    in_proj_bias : Tensor, shape (3 * embed_dim,), or None
        Zeros at first.
    out_proj : Linear

    Raises
    ------
    ShapeError
        If `num_heads` does not divide `embed_dim`, or sequences or masks do not fit.
    ValueError
        If `add_bias_kv` or `add_zero_attn` is set, or `dropout` is not from 0 to 1.

    References
    ----------
    Vaswani et al., "Attention is all you need", arXiv:1706.03762.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        dtype: npt.DTypeLike = float,
        rng: init.Rng = None,
    ) -> None:
        if num_heads < 1 or embed_dim < 1 or embed_dim % num_heads:
            raise ShapeError(f"MultiheadAttention: num_heads={num_heads} must divide embed_dim={embed_dim}")
        if add_bias_kv or add_zero_attn:
            raise BadSetting("MultiheadAttention: add_bias_kv and add_zero_attn are not supported: omit them")
        if not 0 <= dropout <= 1:
            raise bad_probability("MultiheadAttention", "dropout", dropout)
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.head_dim = embed_dim // num_heads
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        joint = self.kdim == self.vdim == embed_dim
        made = lambda *shape: Parameter(empty(shape, dtype=dtype))
        widths = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        if joint:
            self.in_proj_weight = made(3 * embed_dim, embed_dim)
        for name, width in widths.items():
            self.register_parameter(name, None if joint else made(embed_dim, width))
        if not joint:
            self.register_parameter("in_proj_weight", None)
        self.register_parameter("in_proj_bias", Parameter(zeros(3 * embed_dim, dtype=dtype)) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype=dtype, rng=rng)
        self.reset_parameters(rng=rng)

    def reset_parameters(self, *, rng: init.Rng = None) -> None:
        """Draw new values for the projections of the inputs, and set the biases to 0."""
        rng = generator(rng)
        for name in "in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight":
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name), rng=rng)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)

    def _projected(self, inputs: tuple[Tensor, Tensor, Tensor]) -> list[Tensor]:
        """Return queries, keys and values of all heads, of shape (batch, heads, steps, head_dim)."""
        n = self.embed_dim
        if self.in_proj_weight is not None:
            same = inputs[0] is inputs[1] is inputs[2]
            if same:
                joined = F.linear(inputs[0], self.in_proj_weight, self.in_proj_bias)
                made = [joined[..., k * n : (k + 1) * n] for k in range(3)]
                return [self._heads(x) for x in made]
            weights = [self.in_proj_weight[k * n : (k + 1) * n] for k in range(3)]
        else:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        biases = [None if self.in_proj_bias is None else self.in_proj_bias[k * n : (k + 1) * n] for k in range(3)]
        return [self._heads(F.linear(x, w, b)) for x, w, b in zip(inputs, weights, biases)]

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape((*x.shape[:2], self.num_heads, self.head_dim)).permute_dims((0, 2, 1, 3))

    def _mask(self, attn_mask: Any, key_padding_mask: Any, shape: tuple[int, ...], dtype: np.dtype) -> Tensor | None:
        """Return the sum of both masks, for scores of this shape. Where PyTorch's masks are True, attention is 0."""
        batch, heads, queries, keys = shape
        total: Any = None
        if attn_mask is not None:
            mask = _excluding("MultiheadAttention", attn_mask, dtype)
            if mask.shape == (batch * heads, queries, keys):
                mask = mask.reshape(shape)
            elif mask.shape != (queries, keys):
                raise ShapeError(
                    f"MultiheadAttention: attn_mask must have shape {(queries, keys)} or "
                    f"{(batch * heads, queries, keys)}, got {mask.shape}"
                )
            total = mask
        if key_padding_mask is not None:
            padding = _excluding("MultiheadAttention", key_padding_mask, dtype)
            if padding.shape not in ((batch, keys), (keys,)) or (padding.ndim == 1 and batch != 1):
                raise ShapeError(
                    f"MultiheadAttention: key_padding_mask must have shape {(batch, keys)}, got {padding.shape}"
                )
            padding = padding.reshape((batch, 1, 1, keys))
            total = padding if total is None else total + padding
        return total

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the output and, if `need_weights` is set, the attention weights.

        Parameters
        ----------
        query, key, value : Tensor or array
            Sequences, with or without a batch axis.
        key_padding_mask : Tensor or array, shape (batch, keys), optional
            Of booleans, True for keys that are ignored; of floats, added to the scores.
        need_weights : bool
        attn_mask : Tensor or array, shape (queries, keys) or (batch * heads, queries, keys), optional
            As `key_padding_mask`: True where a query does not attend to a key.
        average_attn_weights : bool
            Whether the weights are averaged over the heads.
        is_causal : bool
            A hint in PyTorch, which requires `attn_mask` too.
        """
        if is_causal and attn_mask is None:
            raise BadSetting("MultiheadAttention: is_causal=True is only a hint: pass the causal attn_mask too")
        given = query, key, value
        made = {id(x): as_tensor(x) for x in given}
        single = made[id(query)].ndim == 2
        widths = self.embed_dim, self.kdim, self.vdim
        for x, width in zip(given, widths):
            if made[id(x)].ndim != (2 if single else 3) or made[id(x)].shape[-1] != width:
                raise ShapeError(
                    f"MultiheadAttention: sequences must have the shape (..., {width}) with two axes, or with three "
                    f"for a batch, got {made[id(x)].shape}"
                )
        for name, x in made.items():
            if single:
                made[name] = x.reshape((1, *x.shape))
            elif not self.batch_first:
                made[name] = x.permute_dims((1, 0, 2))
        q, k, v = self._projected(tuple(made[id(x)] for x in given))  # type: ignore[arg-type]
        if k.shape[:3] != v.shape[:3] or q.shape[0] != k.shape[0]:
            raise ShapeError(
                f"MultiheadAttention: query, key and value of shapes {query.shape}, {key.shape} and {value.shape} must "
                "have the same batch, and key and value the same number of steps"
            )
        mask = self._mask(attn_mask, key_padding_mask, (*q.shape[:3], k.shape[2]), q.dtype)
        weights = attention_weights(q, k, mask, self.head_dim**-0.5)
        weights = with_dropout(weights, self.dropout if self.training else 0.0)
        heads = (weights @ v).permute_dims((0, 2, 1, 3))
        output = self.out_proj(heads.reshape((*heads.shape[:2], self.embed_dim)))
        shown = weights.mean(axis=1) if average_attn_weights else weights
        if single:
            return output[0], shown[0] if need_weights else None
        return output if self.batch_first else output.permute_dims((1, 0, 2)), shown if need_weights else None


def _excluding(name: str, mask: Any, dtype: np.dtype) -> Any:
    """Return a mask that is True where attention is 0, as numbers to add to scores."""
    values = mask.detach().numpy() if isinstance(mask, Tensor) else np.asarray(mask)
    return additive_mask(name, ~values if values.dtype.kind == "b" else mask, dtype)


_ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu}


class _TransformerLayer(Module):
    """Base of encoder and decoder layer: the network of two linear layers, and where the norms are."""

    def _add_network(
        self, d_model: int, width: int, dropout: float, activation: Any, bias: bool, dtype: Any, rng: Any
    ) -> None:
        if isinstance(activation, str) and activation not in _ACTIVATIONS:
            raise BadSetting(
                f'{type(self).__name__}: activation must be "relu", "gelu" or a function, got {activation!r}'
            )
        self.linear1 = Linear(d_model, width, bias, dtype=dtype, rng=rng)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(width, d_model, bias, dtype=dtype, rng=rng)
        self.activation = _ACTIVATIONS[activation] if isinstance(activation, str) else activation

    def _network(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_TransformerLayer):
    """Self-attention and a network of two linear layers, each with a residual connection and layer norm.

    Parameters
    ----------
    d_model : int
        The number of features.
    nhead : int
        The number of heads.
    dim_feedforward : int
        The width of the network.
    dropout : float
    activation : {"relu", "gelu"} or function
    layer_norm_eps : float
    batch_first : bool
        Whether sequences are (batch, steps, features) instead of (steps, batch, features).
    norm_first : bool
        Whether the norms come before attention and network instead of after the residual connections.
    bias : bool
    dtype : dtype
    rng : numpy.random.Generator or int, optional
        Source of the initial values; by default the generator of the package, see `fg.nn.seed`.

    Raises
    ------
    ShapeError
        If `nhead` does not divide `d_model`.
    ValueError
        If `activation` is another str, or `dropout` is not from 0 to 1.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = float,
        rng: init.Rng = None,
    ) -> None:
        rng = None if rng is None else generator(rng)
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, rng=rng
        )
        self._add_network(d_model, dim_feedforward, dropout, activation, bias, dtype, rng)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)

    def forward(
        self, src: Tensor, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Tensor:
        attend = lambda x: self.dropout1(
            self.self_attn(x, x, x, src_key_padding_mask, need_weights=False, attn_mask=src_mask)[0]
        )
        x = as_tensor(src)
        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + self.dropout2(self._network(self.norm2(x)))
        x = self.norm1(x + attend(x))
        return self.norm2(x + self.dropout2(self._network(x)))


class TransformerEncoder(Module):
    """Copies of an encoder layer, applied in order.

    Parameters
    ----------
    encoder_layer : Module
        Copied `num_layers` times.
    num_layers : int
    norm : Module, optional
        Applied to the output.
    enable_nested_tensor, mask_check : bool
        Accepted for PyTorch's signature; without effect.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        self.layers = ModuleList(copy.deepcopy(encoder_layer) for _ in range(num_layers))
        self.num_layers = num_layers
        self.register_module("norm", norm)

    def forward(
        self, src: Tensor, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> Tensor:
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask)
        return src if self.norm is None else self.norm(src)
