"""WakeBuilder's classifier in PyTorch: the same names, shapes and maths as in its checkpoints.

embeddings [batch, D] -> input_norm -> [attention] -> [SE] -> [TCN] -> MLP -> logits [batch, 2]
"""

import torch
from torch import nn

HEADS = 4


class Attention(nn.Module):
    """x [batch, 1, D]: LN(x + MHA(x))."""

    def __init__(self, dim):
        super().__init__()
        self.attention = nn.MultiheadAttention(dim, HEADS, batch_first=True)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        attended, _ = self.attention(x, x, x)
        return self.norm(x + attended)


class SqueezeExcitation(nn.Module):
    """x [batch, D]: x * sigmoid(W2 relu(W1 x))."""

    def __init__(self, dim):
        super().__init__()
        inner = max(dim // 4, 32)
        self.fc = nn.Sequential(nn.Linear(dim, inner), nn.ReLU(), nn.Linear(inner, dim), nn.Sigmoid())

    def forward(self, x):
        return x * self.fc(x)


class TemporalConv(nn.Module):
    """x [batch, D, 1]: gelu(GN(conv(gelu(GN(conv x)))) + x)."""

    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(dim, dim, 3, padding=1),
            nn.GroupNorm(1, dim),
            nn.GELU(),
            nn.Conv1d(dim, dim, 3, padding=1),
            nn.GroupNorm(1, dim),
        )
        self.activation = nn.GELU()

    def forward(self, x):
        return self.activation(self.conv(x) + x)


class Head(nn.Module):
    def __init__(self, dim=768, hidden=(256, 128), attention=True, se=True, tcn=True, dropout=0.5):
        super().__init__()
        self.input_norm = nn.LayerNorm(dim)
        self.attention = Attention(dim) if attention else None
        self.se_block = SqueezeExcitation(dim) if se else None
        self.tcn_block = TemporalConv(dim) if tcn else None
        layers = []
        width = dim
        for out in hidden:
            layers += [nn.Linear(width, out), nn.LayerNorm(out), nn.GELU(), nn.Dropout(dropout)]
            width = out
        self.classifier = nn.Sequential(*layers, nn.Linear(width, 2))

    def forward(self, embeddings):
        x = self.input_norm(embeddings)
        if self.attention is not None:
            x = self.attention(x.unsqueeze(1)).squeeze(1)
        if self.se_block is not None:
            x = self.se_block(x)
        if self.tcn_block is not None:
            x = self.tcn_block(x.unsqueeze(2)).squeeze(2)
        return self.classifier(x)


def load(path):
    """The head that a checkpoint describes; PyTorch checks every name and shape."""
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    head = Head(
        checkpoint["embedding_dim"],
        checkpoint["classifier_hidden_dims"],
        attention=checkpoint["use_attention"],
        se=checkpoint["use_se_block"],
        tcn=checkpoint["use_tcn"],
    )
    head.load_state_dict(checkpoint["classifier_state_dict"], strict=True)
    return head.eval()
