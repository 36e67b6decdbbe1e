"""The network: sound [N, 48000] in, logits [N, 8] out. Everything, the log-mel front end too, is in the ONNX graph.

FrontEnd   windowed DFT (a Conv of 400 channels) -> power -> 64 mels -> logarithm      constants, not trained
Levelled   floor 50 dB under the clip's loudest point, soft mask of silent frames, mean of each mel taken off
Body       3 Conv2d -> MatMul -> 5 residual Conv1d -> Conv1d, half rate -> bidirectional GRU -> attentive mean and deviation -> 2 Gemm

The body hears each clip twice, the second time 20 ms later: its convolutions look at every fourth frame only, so that where the
first of them falls is chance. The mean of both is what the net says.
"""

import numpy as np
import torch
from torch import nn

from degrade import BINS, HOP, PAD, WINDOW, mel_weights, window

FLOOR_NATS = 11.5  # 50 dB of power
CONTEXT = (2, 4, 1, 8, 2)  # dilations of the residual layers
SHIFT = 2  # frames: half a step of the convolutions in front


class FrontEnd(nn.Module):
    def __init__(self):
        super().__init__()
        phase = 2 * np.pi * np.outer(np.arange(BINS) + 1, np.arange(WINDOW)) / WINDOW
        basis = np.concatenate([np.cos(phase), np.sin(phase)]) * window()
        self.register_buffer("dft", torch.tensor(basis[:, None], dtype=torch.float32))
        self.register_buffer("mel", torch.tensor(mel_weights()))

    def forward(self, sound):  # [N, T] -> [N, frames, MELS]
        spectrum = nn.functional.conv1d(sound.unsqueeze(1), self.dft, stride=HOP, padding=PAD)
        power = spectrum * spectrum
        power = power[:, :BINS] + power[:, BINS:]
        return torch.log(torch.matmul(power.transpose(1, 2), self.mel) + 1e-7)


class Levelled(nn.Module):
    def forward(self, features):
        loudest = features.amax(dim=(1, 2), keepdim=True)
        features = torch.maximum(features, loudest - FLOOR_NATS) - loudest + FLOOR_NATS
        mask = torch.sigmoid(4 * (features.mean(dim=2, keepdim=True) - 1.5))
        mean = (features * mask).sum(dim=1, keepdim=True) / (mask.sum(dim=1, keepdim=True) + 1e-3)
        return (features - mean) * mask * 0.4


class Body(nn.Module):
    def __init__(self, classes=8, channels=(16, 32, 48), width=192, hidden=128):
        super().__init__()
        a, b, c = channels

        def conv(inputs, outputs, kernel, stride):
            return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

        self.stem = nn.Sequential(*conv(1, a, 5, (2, 2)), *conv(a, b, 3, (2, 2)), *conv(b, c, 3, (1, 2)))
        self.project = nn.Linear(c * 8, width)
        self.norm = nn.LayerNorm(width)
        self.context = nn.ModuleList(nn.Conv1d(width, width, 3, padding=d, dilation=d) for d in CONTEXT)
        self.halve = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.gru = nn.GRU(width, hidden, batch_first=True, bidirectional=True)
        self.attend = nn.Linear(2 * hidden, 64)
        self.score = nn.Linear(64, 2 * hidden)
        # Means over a whole clip differ little between clips; without this the first thousand steps learn nothing.
        self.spread = nn.BatchNorm1d(4 * hidden)
        self.hidden = nn.Linear(4 * hidden, width)
        self.logits = nn.Linear(width, classes)
        self.drop = nn.Dropout(0.1)

    def listen(self, features):  # [N, frames, MELS] -> [N, width, frames/4]
        maps = self.stem[:6](features.unsqueeze(1)).contiguous()  # the last convolution is faster channels first
        maps = self.stem[6:](maps)  # [N, C, frames/4, 8]
        steps = maps.transpose(1, 2).flatten(2)  # [N, frames/4, C*8]
        rows = self.drop(torch.relu(self.norm(self.project(steps)))).transpose(1, 2)
        for layer in self.context:
            rows = rows + torch.relu(layer(rows))
        return rows

    def slow(self, rows):  # -> [N, frames/8, width]
        return self.drop(torch.relu(self.halve(rows)).transpose(1, 2))

    def pool(self, steps):  # -> [N, 4 * hidden]
        steps = self.gru(steps)[0]
        weight = torch.softmax(self.score(torch.tanh(self.attend(steps))), dim=1)
        mean = (weight * steps).sum(dim=1)
        deviation = torch.sqrt(torch.relu((weight * steps * steps).sum(dim=1) - mean * mean) + 1e-4)
        return torch.cat([mean, deviation], dim=1)

    def decide(self, steps):  # -> [N, classes]
        pooled = self.drop(self.spread(self.pool(steps)))
        return self.logits(self.drop(torch.relu(self.hidden(pooled))))

    def forward(self, features):
        return self.decide(self.slow(self.listen(features)))


class LangId(nn.Module):
    def __init__(self):
        super().__init__()
        self.front, self.level, self.body = FrontEnd(), Levelled(), Body()

    def forward(self, waveform):
        features = self.level(self.front(waveform))
        later = nn.functional.pad(features, (0, 0, SHIFT, -SHIFT))
        return self.body(torch.cat([features, later])).unflatten(0, (2, -1)).mean(dim=0)
