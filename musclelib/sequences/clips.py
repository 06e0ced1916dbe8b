"""Random training clips from a sequence store, as torch tensors.

A clip is one chunk of the store. In a local store its bytes are decompressed directly from the
memory-mapped shard, at the position that the zarr 3 sharding index gives, about as fast as a plain
memory map of the same frames; elsewhere, or with another codec, zarr reads the clip.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import zarr
from numcodecs import blosc
from torch.utils.data import Dataset

from musclelib import sequences

_INDEX_CRC = 4  # bytes of the checksum that closes a shard's index


class Clips(Dataset[torch.Tensor]):
    """Map-style data set of clips, each a float32 tensor `(1, time, depth, lateral)`.

    Item `i` is clip `i % clips` of sequence `i // clips`; a sampler makes the order random. Frames
    that do not fill a last clip are left out. Each worker opens the store separately, so that every
    start method of processes works.

    Parameters
    ----------
    store : str or Path
        A finished sequence store.
    standardise : bool
        Whether each sequence is scaled to mean 0 and SD 1, by `velocity_mean` and `velocity_sd` of
        the store.
    variable : str
        The variable that is read.

    Attributes
    ----------
    digest : str
        Hash that identifies the sequences, see `sequences.digest`.

    Raises
    ------
    SequenceError
        The store or a variable that is needed is missing, or a sequence is shorter than one clip or
        constant.
    """

    def __init__(
        self, store: str | Path, *, standardise: bool = True, variable: str = "velocity"
    ) -> None:
        dataset = sequences.open(store)
        needed = [variable, "velocity_mean", "velocity_sd"] if standardise else [variable]
        for name in needed:
            if name not in dataset:
                raise sequences.SequenceError(f"{store}: has no {name!r}")
        self.count, frames, *self.plane = dataset[variable].shape
        self.per_sequence = frames // sequences.CLIP_FRAMES
        if not self.per_sequence:
            raise sequences.SequenceError(
                f"{store}: sequences of {frames} frames, a clip has {sequences.CLIP_FRAMES}"
            )
        self.scale, self.offset = None, None
        if standardise:
            deviation = dataset["velocity_sd"].to_numpy()
            if not np.all(deviation > 0):
                still = int(np.flatnonzero(~(deviation > 0))[0])
                raise sequences.SequenceError(
                    f"{store}: sequence {still} does not move; it cannot be standardised"
                )
            self.scale = 1 / deviation
            self.offset = torch.from_numpy(
                -dataset["velocity_mean"].to_numpy() * self.scale
            ).float()
        self.store, self.variable = str(store), variable
        self.digest = sequences.digest(dataset, variable)
        self._reader: _Reader | None = None

    def __len__(self) -> int:
        return self.count * self.per_sequence

    def __getitem__(self, item: int) -> torch.Tensor:
        if not 0 <= item < len(self):
            raise IndexError(f"clip {item} of {len(self)}")
        if self._reader is None:
            self._reader = _Reader(self.store, self.variable)
        sequence, clip = divmod(int(item), self.per_sequence)
        values = torch.from_numpy(self._reader(sequence, clip))
        if self.offset is not None and self.scale is not None:
            # scale and offset in one pass over the memory
            torch.add(self.offset[sequence], values, alpha=float(self.scale[sequence]), out=values)
        return values[None]

    def __getstate__(self) -> dict[str, object]:
        # memory maps cannot be sent to another process
        return {**self.__dict__, "_reader": None}


class _Reader:
    """Reader of single clips, as float32 `(time, depth, lateral)`."""

    def __init__(self, store: str, variable: str) -> None:
        array = zarr.open_group(store, mode="r")[variable]
        assert isinstance(array, zarr.Array)
        self.array, self.folder = array, Path(store) / variable / "c"
        codecs = [codec.__class__.__name__ for codec in array.compressors]
        self.direct = (
            self.folder.is_dir()
            and array.shards is not None
            and array.shards[1] >= array.shape[1]
            and codecs == ["BloscCodec"]
            and array.dtype == np.dtype("<f4")
        )
        self.shard = lru_cache(maxsize=256)(self._open_shard)

    def __call__(self, sequence: int, clip: int) -> np.ndarray:
        if not self.direct:
            first = clip * sequences.CLIP_FRAMES
            return np.asarray(
                self.array[sequence, first : first + sequences.CLIP_FRAMES], np.float32
            )
        data, index = self.shard(sequence)
        offset, size = index[clip]
        out = np.empty(self.array.chunks[1:], np.float32)
        blosc.decompress(data[offset : offset + size], out)
        return out

    def _open_shard(self, sequence: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
        assert self.array.shards is not None
        clips = self.array.shards[1] // self.array.chunks[1]
        data = np.memmap(self.folder / f"{sequence}/0/0/0", np.uint8, mode="r")
        end = len(data) - _INDEX_CRC
        if end < clips * 16:
            raise sequences.SequenceError(
                f"{self.folder}: the file of sequence {sequence} is cut short"
            )
        index = np.array(data[end - clips * 16 : end]).view("<u8").reshape(clips, 2)
        if (index.sum(axis=1) > end).any():
            raise sequences.SequenceError(
                f"{self.folder}: the file of sequence {sequence} is damaged"
            )
        return data, [(int(offset), int(size)) for offset, size in index]
