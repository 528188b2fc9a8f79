"""Writes the checkpoint that the benchmarks export: the head of 768 with every block, seed 0.

usage: bench/peers.sh bench/make_checkpoint.py OUTPUT.pt
"""

import sys

import torch
from torch import nn

from peer_head import Head

DIM = 768
HIDDEN = [256, 128]


def make_head(seed=0):
    """Norms away from 1 and 0, biases away from 0, so that each of them shows in the logits."""
    torch.manual_seed(seed)
    head = Head(DIM, HIDDEN)
    for module in head.modules():
        is_norm = isinstance(module, (nn.LayerNorm, nn.GroupNorm))
        for name, parameter in module.named_parameters(recurse=False):
            if is_norm:
                nn.init.normal_(parameter, 1.0 if name == "weight" else 0.0, 0.2)
            elif "bias" in name:
                nn.init.normal_(parameter, 0.0, 0.1)
    return head.eval()


def save(head, path):
    """As WakeBuilder's trainer saves it."""
    torch.save(
        {
            "classifier_state_dict": head.state_dict(),
            "wake_word": "jarvis",
            "threshold": 0.55,
            "embedding_dim": DIM,
            "classifier_hidden_dims": HIDDEN,
            "classifier_dropout": 0.5,
            "use_attention": True,
            "use_se_block": True,
            "use_tcn": True,
            "sample_rate": 16000,
            "model_version": "2.0",
            "base_model": "MIT/ast-finetuned-speech-commands-v2",
        },
        path,
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    save(make_head(), sys.argv[1])
