"""What a bottleneck lets pass, and what its seeds decide."""

import pytest
import torch

from bottlenecks.toy_images import SMALL, toy_images, toy_model
from tacit.bottlenecks.networks import BottleneckSettings, carried, dropped, new_head
from tacit.bottlenecks.reading import (
    class_logits_of,
    class_logits_of_carried,
    frozen,
    read_out,
)
from tacit.bottlenecks.trunks import TrunkSettings, new_trunk


@pytest.mark.parametrize("side", [32, 64, 128])
def test_our_network_takes_images_of_32_to_128_pixels(side):
    pixels = torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8)
    assert new_trunk(seed=0).eval()(pixels).shape == (2, 256)


def test_our_network_has_fewer_than_half_a_million_weights():
    assert 200_000 < sum(p.numel() for p in new_trunk(seed=0).parameters()) < 500_000


def test_hard_concepts_are_zero_or_one_and_learn_like_soft_ones():
    logits = torch.tensor([[-2.0, 0.5]], requires_grad=True)
    read = carried(logits, "hard")
    read.sum().backward()
    soft = torch.sigmoid(logits.detach())
    assert read.tolist() == [[0.0, 1.0]]
    torch.testing.assert_close(logits.grad, soft * (1 - soft))


def test_a_class_head_sees_nothing_but_what_is_carried():
    model = toy_model(carries="hard")
    near, far = torch.tensor([[0.1, -0.1]]), torch.tensor([[9.0, -9.0]])
    assert torch.equal(model.head(near), model.head(far))


def test_dropout_keeps_the_mean_and_is_off_without_noise():
    ones = torch.ones(200, 50)
    kept = dropped(ones, 0.25, torch.Generator().manual_seed(0))
    assert kept.unique().tolist() == pytest.approx([0, 4 / 3])
    # 10,000 draws: four standard errors of the share dropped.
    assert float(kept.mean()) == pytest.approx(
        1, abs=4 * (0.25 * 0.75 / 1e4) ** 0.5 * 4 / 3
    )
    assert dropped(ones, 0.25, None) is ones


def test_hidden_units_of_a_concept_serve_it_alone():
    model = toy_model(concept_width=4)
    features = torch.randn(3, SMALL.channels[-1], requires_grad=True)
    first = model.encoder.from_features(features)[:, 0].sum()
    (of_hidden,) = torch.autograd.grad(first, model.encoder.hidden.weight)
    assert (of_hidden[:4] != 0).any()
    assert (of_hidden[4:] == 0).all()


def test_the_seeds_of_trunk_and_heads_are_apart():
    first, other_heads, other_trunk = (
        toy_model(0, 0).state_dict(),
        toy_model(1, 0).state_dict(),
        toy_model(0, 1).state_dict(),
    )
    trunk, head = "encoder.trunk.layers.0.weight", "head.layers.0.weight"
    assert torch.equal(first[trunk], other_heads[trunk])
    assert torch.equal(first[head], other_trunk[head])
    assert not torch.equal(first[head], other_heads[head])
    assert not torch.equal(first[trunk], other_trunk[trunk])


def test_building_leaves_torchs_own_generator_alone():
    before = torch.random.get_rng_state()
    toy_model()
    new_head(BottleneckSettings(num_concepts=1, num_classes=2), seed=0)
    assert torch.equal(before, torch.random.get_rng_state())


def test_reading_out_is_the_model_at_rest_and_leaves_its_mode():
    model, pixels = toy_model(trunk_dropout=0.5).train(), toy_images(40).pixels
    found = read_out(model, pixels.numpy())
    assert model.training
    concept_logits, class_logits = model.eval()(pixels)
    torch.testing.assert_close(torch.from_numpy(found.concept_logits), concept_logits)
    torch.testing.assert_close(torch.from_numpy(found.class_logits), class_logits)
    again = class_logits_of(model.head, found.concept_logits)
    assert again == pytest.approx(found.class_logits)
    read = carried(torch.from_numpy(found.concept_logits), "logits").numpy()
    assert class_logits_of_carried(model.head, read) == pytest.approx(again)


def test_what_is_frozen_gets_no_gradient_and_is_let_go_after():
    model = toy_model().train()
    with frozen(model.head):
        model(toy_images(8).pixels)[1].sum().backward()
        assert not model.head.training
    assert all(each.grad is None for each in model.head.parameters())
    assert all(each.grad is not None for each in model.encoder.parameters())
    assert model.head.training
    assert all(each.requires_grad for each in model.head.parameters())


def test_a_network_needs_a_convolution():
    with pytest.raises(ValueError, match="channels"):
        TrunkSettings(channels=())
