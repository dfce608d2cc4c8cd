import hashlib

import pytest
import torch
from fakes.tiny_model import tiny_shape, tiny_tensors

from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.exact.products import Kernel, choose_kernel

CPU = torch.device("cpu")


def tiny(kernel: Kernel = Kernel.FLOAT32, device: torch.device = CPU) -> Model:
    return Model(tiny_shape(), tiny_tensors(), device, kernel)


def tokens(rows: int = 3, count: int = 100) -> torch.Tensor:
    return torch.randint(0, 275, (rows, count), generator=torch.Generator().manual_seed(6))


def run(model: Model, given: torch.Tensor, step: int) -> torch.Tensor:
    state = model.start(given.shape[0], 128)
    pieces = [model.advance(given[:, at : at + step], state) for at in range(0, given.shape[1], step)]
    hidden = torch.cat(pieces, dim=1)
    return model.score(hidden.reshape(-1, hidden.shape[-1])).view(*given.shape, -1)


def test_all_positions_at_once_and_one_by_one_give_the_same_numbers() -> None:
    model = tiny()
    together = run(model, tokens(), 100)
    for step in (1, 7, 64):
        assert torch.equal(run(model, tokens(), step), together)


def test_batch_size_and_order_of_rows_do_not_change_a_number() -> None:
    model, given = tiny(), tokens()
    together = run(model, given, 20)
    assert torch.equal(run(model, given[[2, 0, 1]], 20), together[[2, 0, 1]])
    for row in range(3):
        assert torch.equal(run(model, given[row : row + 1], 20)[0], together[row])


@pytest.mark.parametrize("threads", [1, 2])
def test_every_kernel_and_thread_count_gives_the_frozen_numbers(threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for kernel in {Kernel.FLOAT32, choose_kernel(CPU)}:
            logits = run(tiny(kernel), tokens(), 25)
            found = hashlib.sha256(logits.numpy().astype("<f4").tobytes()).hexdigest()
            assert found == "d0fbdc1f67d70e51467e8089347fe016067561ec26ea8f3f319bde36be9017b7"
    finally:
        torch.set_num_threads(before)


@pytest.mark.gpu
def test_a_gpu_gives_the_frozen_numbers() -> None:
    if not torch.cuda.is_available():
        pytest.skip("this torch sees no CUDA device")
    device = torch.device("cuda:0")
    for kernel in {Kernel.FLOAT32, choose_kernel(device)}:
        logits = run(tiny(kernel, device), tokens().to(device), 25)
        assert torch.equal(logits.cpu(), run(tiny(), tokens(), 25))


def test_a_later_token_changes_nothing_before_it() -> None:
    model, given = tiny(), tokens()
    changed = given.clone()
    changed[:, 60] += 1
    assert torch.equal(run(model, given, 100)[:, :60], run(model, changed, 100)[:, :60])
    assert not torch.equal(run(model, given, 100)[:, 60], run(model, changed, 100)[:, 60])


def test_more_tokens_than_the_window_are_refused() -> None:
    model = tiny()
    state = model.start(1, 10)
    with pytest.raises(ValueError, match="window"):
        model.advance(tokens(1, 11), state)


def test_room_for_fewer_tokens_than_the_window_changes_no_number() -> None:
    model, given = tiny(), tokens(2, 60)
    state = model.start(2, 128, longest=60)
    assert state.caches[0].keys.shape[2] == 64
    hidden = model.advance(given, state)
    assert torch.equal(model.score(hidden.view(120, -1)).view(2, 60, -1), run(model, given, 60))
    with pytest.raises(ValueError, match="window of 60"):
        model.advance(given[:, :1], state)
