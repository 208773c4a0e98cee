"""Linear layers in 8-bit whole numbers, each token with a scale of its own, so that int8 keeps a text apart from its batch.

`torch.ao.quantization.quantize_dynamic` takes one scale for a whole batch: a text's numbers then depend on whatever else is in it.
Here each row is scaled by itself before the same kernel of the library (FBGEMM) multiplies; it costs nothing measurable.
What does not belong here: whether labels stay equal (training.sentiment.scoring measures it).
"""

import copy
import warnings
from typing import Any

_LEVELS = 63
"""Either side of zero: 7 bits, because a processor without VNNI adds pairs of products in 16, and 8 would overflow them."""

_KEPT = ("pooler", "classifier")
"""What stands behind the layers is asked once a text, not once a token: in float32 it costs nothing and decides closely."""


def quantized(network: Any) -> Any:
    """A copy of the network with the linear layers of its stack in int8, one scale per output; embeddings and head stay float32."""
    import torch

    small = copy.deepcopy(network)
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = "fbgemm"  # the kernel that takes float32 rows in and gives float32 back
    try:
        for path, layer in list(small.named_modules()):
            if type(layer) is torch.nn.Linear and not any(part in path for part in _KEPT):
                parent, _, name = path.rpartition(".")
                setattr(small.get_submodule(parent), name, _layer(layer))
    finally:
        torch.backends.quantized.engine = before
    return small


def _layer(linear: Any) -> Any:
    import torch

    weight = linear.weight.detach()
    scales = (weight.abs().amax(dim=1) / 127.0).clamp_min(1e-12).double()
    zeros = torch.zeros(weight.shape[0], dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a later torch moves this to torchao; 2.13 is pinned
        whole = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
    packed = torch.ops.quantized.linear_prepack(whole, None)
    bias = torch.zeros(weight.shape[0]) if linear.bias is None else linear.bias.detach().clone()
    return _int8_linear()(packed, bias)


def _int8_linear() -> Any:
    """The layer's class; made here because torch is loaded only where a network is."""
    import torch

    class Int8Linear(torch.nn.Module):  # type: ignore[misc]  # torch is not followed
        def __init__(self, packed: Any, bias: Any) -> None:
            super().__init__()
            self.packed, self.bias = packed, bias

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            scale = rows.abs().amax(dim=-1, keepdim=True).clamp_min_(1e-12).div_(_LEVELS)
            product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
                rows / scale, 1.0, _LEVELS + 1, self.packed
            )
            return torch.addcmul(self.bias, product, scale)

    return Int8Linear
