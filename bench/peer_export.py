"""Exports a checkpoint with PyTorch, and nothing else: timed as a whole process by export_vs_pytorch.py.

usage: bench/peers.sh bench/peer_export.py dynamo|torchscript CHECKPOINT.pt OUTPUT.onnx
"""

import sys
import warnings

import torch

from peer_head import load


def export(exporter, checkpoint, output):
    head = load(checkpoint)
    example = torch.zeros(2, head.input_norm.weight.numel())
    if exporter == "dynamo":  # torch.onnx.export's default
        batch = {"dynamic_shapes": {"embeddings": {0: torch.export.Dim("batch")}}}
    else:
        batch = {"dynamo": False, "dynamic_axes": {"embeddings": {0: "batch"}, "logits": {0: "batch"}}}
    torch.onnx.export(head, (example,), output, input_names=["embeddings"], output_names=["logits"], **batch)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("dynamo", "torchscript"):
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    export(*sys.argv[1:])
