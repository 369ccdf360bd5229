"""Vision networks of transformers as trunks, tiny and random."""

import numpy as np
import pytest
import torch

from bottlenecks.toy_images import BRIEF, QUICK
from tacit.base.errors import UserError
from tacit.bottlenecks.backbones import read_backbone
from tacit.bottlenecks.files import load_bottleneck, save_bottleneck
from tacit.bottlenecks.images import concept_images
from tacit.bottlenecks.networks import BottleneckSettings, new_bottleneck
from tacit.bottlenecks.reading import read_out
from tacit.bottlenecks.training import train

pytest.importorskip(
    "PIL", reason="image processors need Pillow: pip install 'tacit[birds]'"
)

SIDE, WIDTH = 32, 16
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 3, SIDE, SIDE), dtype=np.uint8)
VIT = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "image_size": SIDE,
    "patch_size": 8,
}


def saved_resnet(folder):
    from transformers import ConvNextImageProcessorPil, ResNetConfig, ResNetModel

    config = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, WIDTH], depths=[1, 1], layer_type="basic"
    )
    ResNetModel(config).save_pretrained(folder)
    ConvNextImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_pct=1.0, image_mean=[0.4, 0.5, 0.6]
    ).save_pretrained(folder)


def saved_vit(folder):
    from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

    ViTModel(ViTConfig(**VIT)).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)


@pytest.fixture(scope="module", params=[saved_resnet, saved_vit], ids=["resnet", "vit"])
def folder(request, tmp_path_factory):
    made = tmp_path_factory.mktemp("backbone")
    torch.manual_seed(0)
    request.param(made)
    return made


def test_a_backbone_sees_what_its_image_processor_makes(folder):
    from transformers import AutoImageProcessor, AutoModel

    trunk = read_backbone(folder)
    assert (trunk.width, trunk.side) == (WIDTH, SIDE)
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    images = [image.transpose(1, 2, 0) for image in PIXELS]
    wanted = processor(images, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        pooled = AutoModel.from_pretrained(folder)(pixel_values=wanted).pooler_output
        found = trunk.eval()(torch.from_numpy(PIXELS))
    torch.testing.assert_close(found, pooled.flatten(1), atol=1e-5, rtol=1e-4)


def test_a_bottleneck_on_a_backbone_learns_and_comes_back(folder, tmp_path):
    concepts = RNG.integers(0, 2, (12, 2))
    concepts[:2] = [[0, 1], [1, 0]]
    rows = np.arange(12)
    images = concept_images(PIXELS, concepts, rows % 3, train=rows[:8], validation=rows[8:])
    shape = BottleneckSettings(num_concepts=2, num_classes=3)
    model = new_bottleneck(read_backbone(folder), shape, seed=0)
    settings = QUICK.model_copy(update={"encoder": BRIEF})
    trained = train(model, images, settings, seed=0).model
    save_bottleneck(trained, tmp_path)
    found, again = (read_out(each, PIXELS) for each in (trained, load_bottleneck(tmp_path)))
    assert (found.class_logits == again.class_logits).all()


def test_weights_without_a_pooling_layer_give_the_class_token(tmp_path):
    from transformers import (
        AutoModel,
        ViTConfig,
        ViTForImageClassification,
        ViTImageProcessorPil,
    )

    ViTForImageClassification(ViTConfig(**VIT)).save_pretrained(tmp_path)
    ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(tmp_path)
    trunk = read_backbone(tmp_path).eval()
    with torch.no_grad():
        scaled = torch.from_numpy(PIXELS) / 127.5 - 1
        hidden = AutoModel.from_pretrained(tmp_path)(pixel_values=scaled).last_hidden_state
        found = trunk(torch.from_numpy(PIXELS))
    torch.testing.assert_close(found, hidden[:, 0], atol=1e-5, rtol=1e-4)


def test_what_is_no_vision_network_is_refused(tmp_path, tiny):
    with pytest.raises(UserError, match="cannot be read as a vision network"):
        read_backbone(tmp_path)
    with pytest.raises(UserError, match="cannot be read as a vision network"):
        read_backbone(tiny)
