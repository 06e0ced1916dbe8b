"""The history of translated clips that a discriminator learns from."""

from __future__ import annotations

import torch
from torch import Tensor

from musclelib.streams import Purpose, torch_seed


class ClipPool:
    """Keep up to `size` past fakes.

    The first fakes fill the pool; later ones are exchanged for a past fake with a probability of
    0.5.

    Parameters
    ----------
    size : int
        Number of clips kept; 0 passes every clip through.
    number : int
        Number of the pool, which selects its random stream.
    """

    def __init__(self, size: int = 50, number: int = 0) -> None:
        self.size = size
        self.clips: list[Tensor] = []
        self.random = torch.Generator().manual_seed(torch_seed(Purpose.PAST_FAKES, 0, number))

    def __call__(self, fakes: Tensor) -> Tensor:
        """Return, for each clip of the batch `fakes`, that clip or an earlier one."""
        if not self.size:
            return fakes
        chosen = []
        for fake in fakes.detach():
            if len(self.clips) < self.size:
                self.clips.append(fake.clone())
            elif torch.rand((), generator=self.random) < 0.5:
                place = int(torch.randint(self.size, (), generator=self.random))
                fake, self.clips[place] = self.clips[place], fake.clone()
            chosen.append(fake)
        return torch.stack(chosen)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the clips kept as one tensor, if there are any, and the random state as bytes."""
        clips = {"clips": torch.stack(self.clips)} if self.clips else {}
        return {"random": self.random.get_state(), **clips}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore a state."""
        self.random.set_state(state["random"].cpu())
        self.clips = list(state["clips"].clone()) if "clips" in state else []
