"""FLEX in PyTorch: the peer against which `make bench-peer` measures FlexLab.

Written from the description of the network (arXiv 2505.17351), N,C,H,W as PyTorch
prefers. Parameter names are those of the official checkpoints, so bench/check.py can load the recorded
fixtures and compare outputs and gradients. Nothing here is tuned for or against PyTorch: the ordinary layers,
`scaled_dot_product_attention` for attention, no copies that an ordinary program would not make.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

SIZES = {
    "nano": dict(channels=(32, 64, 64), res_blocks=(1, 1, 1), depth=3, heads=2),
    "small": dict(channels=(64, 128, 128, 256), res_blocks=(2, 3, 3, 3), depth=13, heads=4),
    "medium": dict(channels=(64, 128, 256, 512), res_blocks=(2, 3, 3, 4), depth=13, heads=8),
    "big": dict(channels=(128, 256, 512, 1152), res_blocks=(2, 3, 3, 3), depth=21, heads=16),
}


class ResBlock(nn.Module):
    """x (N,c,H,W), emb (N,D) -> (N,o,H',W'); H' = 2H if up, H/2 if down."""

    def __init__(self, c, o, d, resample="same", dropout=0.1):
        super().__init__()
        self.resample = resample
        self.in_layers = nn.Sequential(nn.GroupNorm(32, c), nn.SiLU(), nn.Conv2d(c, o, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(d, 2 * o))
        self.out_layers = nn.Sequential(nn.GroupNorm(32, o), nn.SiLU(), nn.Dropout(dropout),
                                        nn.Conv2d(o, o, 3, padding=1))
        nn.init.zeros_(self.out_layers[3].weight)
        nn.init.zeros_(self.out_layers[3].bias)
        self.skip_connection = nn.Identity() if c == o else nn.Conv2d(c, o, 3, padding=1)

    def resized(self, x):
        if self.resample == "up":
            return F.interpolate(x, scale_factor=2, mode="nearest")
        return F.avg_pool2d(x, 2) if self.resample == "down" else x

    def forward(self, x, emb):
        norm, act, conv = self.in_layers
        h = conv(self.resized(act(norm(x))))
        scale, shift = self.emb_layers(emb)[:, :, None, None].chunk(2, dim=1)
        h = self.out_layers[0](h) * (1 + scale) + shift
        for layer in list(self.out_layers)[1:]:
            h = layer(h)
        return self.skip_connection(self.resized(x)) + h


class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(d, 3 * d, bias=False)
        self.proj = nn.Linear(d, d)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(n, t, d))


class Mlp(nn.Module):
    def __init__(self, d, dropout):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(self.fc2(self.dropout(F.gelu(self.fc1(x), approximate="tanh"))))


class TransformerBlock(nn.Module):
    """x (N,T,D); with `skip`, the skip is concatenated and projected first."""

    def __init__(self, d, heads, skip=False, dropout=0.1):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d, eps=1e-6), nn.LayerNorm(d, eps=1e-6)
        self.attn, self.mlp = Attention(d, heads), Mlp(d, dropout)
        self.skip_linear = nn.Linear(2 * d, d) if skip else None

    def forward(self, x, skip=None):
        if self.skip_linear is not None:
            x = self.skip_linear(torch.cat([x, skip], dim=-1))
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Fourier(nn.Module):
    """sqrt(2) cos(t freqs + phases), fixed frequencies [Karras et al. 2024]."""

    def __init__(self, d):
        super().__init__()
        self.register_buffer("freqs", 2 * math.pi * torch.randn(d))
        self.register_buffer("phases", 2 * math.pi * torch.rand(d))

    def forward(self, t):
        return math.sqrt(2) * torch.cos(torch.outer(t, self.freqs) + self.phases)


def embedding(inputs, d):
    return nn.Sequential(nn.Linear(inputs, 2 * d), nn.SiLU(), nn.Linear(2 * d, d))


class Embedded(nn.Module):
    """What encoder and decoder share: the embedding of the condition and, if timed, of the time."""

    def __init__(self, d, timed):
        super().__init__()
        self.cond_embed = embedding(1, d)
        if timed:
            self.MPFourier = Fourier(d)
            self.time_embed = embedding(d, d)
        self.timed = timed

    def emb(self, re, t):
        e = self.cond_embed(re)
        return e + self.time_embed(self.MPFourier(t)) if self.timed else e


class Encoder(Embedded):
    """x (N,C,H,W), re (N,1), t (N), cond skips -> head, list of skips."""

    def __init__(self, cfg, inputs, timed, transf):
        ch, d = cfg["channels"], cfg["channels"][-1]
        super().__init__(d, timed)
        blocks, width = [nn.ModuleList([nn.Conv2d(inputs, ch[0], 3, padding=1)])], ch[0]
        for c, count in zip(ch, cfg["res_blocks"]):
            for k in range(count + 1):
                blocks.append(nn.ModuleList([ResBlock(width, c, d, "down" if k == count else "same",
                                                      cfg["dropout"])]))
                width = c
        self.input_blocks = nn.ModuleList(blocks)
        self.transf = transf
        if transf:
            side = cfg["image_size"] >> len(ch)
            self.pos_embed = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, 1 + side * side, d), std=0.02))
            self.tr_blocks = nn.ModuleList(TransformerBlock(d, cfg["heads"], dropout=cfg["dropout"])
                                           for _ in range(cfg["depth"] // 2))
            self.mid_block = TransformerBlock(d, cfg["heads"], dropout=cfg["dropout"])

    def forward(self, x, re, t=None, cond_skips=None):
        emb, skips = self.emb(re, t), []
        for i, (block,) in enumerate(self.input_blocks):
            x = block(x) if i == 0 else block(x, emb)
            if cond_skips is not None:
                x = x + cond_skips[i]
            skips.append(x)
        if not self.transf:
            return x, skips
        x = torch.cat([emb[:, None], x.flatten(2).transpose(1, 2)], dim=1) + self.pos_embed
        for block in self.tr_blocks:
            x = block(x)
            skips.append(x)
        return self.mid_block(x), skips


class Decoder(Embedded):
    def __init__(self, cfg, skip_channels, outputs):
        ch, d = cfg["channels"], cfg["channels"][-1]
        super().__init__(d, True)
        left, drop = list(skip_channels), cfg["dropout"]
        self.tr_blocks = nn.ModuleList(TransformerBlock(d, cfg["heads"], cfg["skip"], drop)
                                       for _ in range(cfg["depth"] // 2))
        self.norm = nn.LayerNorm(d)
        blocks, width = [nn.ModuleList([ResBlock(d + left.pop(), d, d, "up", drop)])], d
        for level in reversed(range(len(ch))):
            for k in range(cfg["res_blocks"][level] + 1):
                parts = [ResBlock(width + left.pop(), ch[level], d, "same", drop)]
                width = ch[level]
                if level > 0 and k == cfg["res_blocks"][level]:
                    parts.append(ResBlock(width, width, d, "up", drop))
                blocks.append(nn.ModuleList(parts))
        self.output_blocks = nn.ModuleList(blocks)
        self.final_layer = nn.Sequential(nn.GroupNorm(32, width), nn.SiLU(), nn.Conv2d(width, outputs, 3, padding=1))
        nn.init.zeros_(self.final_layer[2].weight)
        nn.init.zeros_(self.final_layer[2].bias)

    def forward(self, x, skips, re, t, cond_head, cond_skips, cond_tokens, side):
        skips, cond_skips = list(skips), list(cond_skips)
        emb = self.emb(re, t)
        x = torch.cat([x[:, :1] + emb[:, None], x[:, 1:]], dim=1)
        if cond_tokens:
            x = x + cond_head
        for block in self.tr_blocks:
            skip = skips.pop()
            x = block(x, skip + cond_skips.pop() if cond_tokens else skip)
        n, _, d = x.shape
        x = self.norm(x)[:, 1:].transpose(1, 2).reshape(n, d, *side)
        if not cond_tokens:
            x = x + cond_head
        for parts in self.output_blocks:
            x = torch.cat([x, skips.pop() + cond_skips.pop()], dim=1)
            for part in parts:
                x = part(x, emb)
        return self.final_layer(x)


class Flex(nn.Module):
    """The network with its condition encoder (weak and strong conditioning, all conditioning paths open)."""

    def __init__(self, channels, res_blocks, depth, heads, image_size, in_channels=1, cond_channels=1,
                 use_transf=False, skip=True, dropout=0.1, **_):
        super().__init__()
        cfg = dict(channels=tuple(channels), res_blocks=tuple(res_blocks), depth=depth, heads=heads,
                   image_size=image_size, skip=skip, dropout=dropout)
        widths = [channels[0]] + [c for c, n in zip(channels, res_blocks) for _ in range(n + 1)]
        self.cond_tokens = use_transf
        self.side = (image_size >> len(channels),) * 2
        self.encoder = Encoder(cfg, in_channels, timed=True, transf=True)
        self.decoder = Decoder(cfg, widths, in_channels)
        self.superres_encoder = Encoder(cfg, cond_channels, timed=False, transf=use_transf)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def condition(self, low, re):
        return self.superres_encoder(low, re)

    def predict(self, x, t, re, features):
        head, cond_skips = features
        x, skips = self.encoder(x, re, t, cond_skips)
        return self.decoder(x, skips, re, t, head, cond_skips, self.cond_tokens, self.side)

    def forward(self, x, t, low, re):
        return self.predict(x, t, re, self.condition(low, re))


# --- diffusion -----------------------------------------------------------------------------------

def coefficients(t):
    """t (N) in [0,1] -> alpha, sigma (N,1,1,1) of the cosine schedule, logSNR in [-20, 20]."""
    b = math.atan(math.exp(-10))
    a = math.atan(math.exp(10)) - b
    logsnr = -2 * torch.log(torch.tan(a * t + b))[:, None, None, None]
    return torch.sqrt(torch.sigmoid(logsnr)), torch.sqrt(torch.sigmoid(-logsnr))


def loss(model, target, estimate, low, re, t, eps):
    """Mean |p - v| for the residual target - estimate; also returns the prediction and x_t."""
    x0 = target - estimate
    alpha, sigma = coefficients(t)
    x_t = alpha * x0 + sigma * eps
    p = model(x_t, t, low, re)
    return (p - (alpha * eps - sigma * x0)).abs().mean(), p, x_t


def sample(model, x, estimate, low, re, steps):
    """DDIM with eta 0 from the noise x; the condition encoder runs once."""
    with torch.no_grad():
        features = model.condition(low, re)
        x0 = x
        for k in range(steps, 0, -1):
            t = torch.full((x.shape[0],), k / steps)
            alpha, sigma = coefficients(t)
            p = model.predict(x, t, re, features)
            x0, e = alpha * x - sigma * p, alpha * p + sigma * x
            alpha, sigma = coefficients(torch.full_like(t, (k - 1) / steps))
            x = alpha * x0 + sigma * e
        return x0 + estimate
