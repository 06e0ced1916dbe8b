import torch

from musclelib.translation.pool import ClipPool


def clips(*values):
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1, 1)


def values(batch):
    return batch.flatten().tolist()


def test_it_returns_what_fills_it():
    pool = ClipPool(3)
    assert values(pool(clips(0, 1))) == [0, 1]
    assert values(pool(clips(2))) == [2]
    assert values(torch.stack(pool.clips)) == [0, 1, 2]


def test_a_full_pool_swaps_half_of_the_clips_for_earlier_ones():
    pool, size, count = ClipPool(5), 5, 1000
    pool(clips(*range(size)))
    returned = [values(pool(clips(value)))[0] for value in range(size, size + count)]
    swapped = [
        past
        for past, value in zip(returned, range(size, size + count), strict=True)
        if past != value
    ]
    assert 0.45 * count < len(swapped) < 0.55 * count
    assert all(
        past < value
        for past, value in zip(returned, range(size, size + count), strict=True)
        if past in swapped
    )
    assert len(set(swapped)) == len(swapped)  # what was returned from the pool is no longer in it
    assert sorted(returned + values(torch.stack(pool.clips))) == list(range(size + count))


def test_a_pool_of_none_passes_through():
    pool = ClipPool(0)
    batch = clips(1, 2)
    assert pool(batch) is batch
    assert not pool.clips


def test_it_keeps_copies_without_gradients():
    pool = ClipPool(1)
    batch = clips(7).requires_grad_()
    assert not pool(batch).requires_grad
    batch.data += 1
    assert values(pool.clips[0]) == [7]


def test_a_restored_pool_goes_on_as_the_first_would():
    first, second = ClipPool(4, number=1), ClipPool(4, number=2)
    first(clips(*range(9)))
    second.load_state_dict(first.state_dict())
    following = clips(*range(10, 40))
    assert values(first(following)) == values(second(following))
    assert values(torch.stack(first.clips)) == values(torch.stack(second.clips))


def test_an_empty_pool_can_be_restored():
    pool = ClipPool(2)
    pool(clips(1))
    pool.load_state_dict(ClipPool(2).state_dict())
    assert not pool.clips


def test_its_draws_leave_those_of_others_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    pool = ClipPool(1)
    for value in range(5):
        pool(clips(value))
    assert torch.equal(torch.rand(2), expected)
