"""A top-k autoencoder as one writes it first: dense products, autograd, PyTorch's Adam."""

import torch
from worker import ATOMS, WIDTH, K, Rebuild, Step, serve


def build(variant: str, first: torch.Tensor) -> tuple[Step, Rebuild]:
    """Return the step of the plain autoencoder."""
    assert variant == "plain"
    atoms = torch.nn.functional.normalize(torch.randn(ATOMS, WIDTH))
    encoder = torch.nn.Parameter(atoms.clone())
    decoder = torch.nn.Parameter(atoms)
    bias, centre = torch.nn.Parameter(torch.zeros(ATOMS)), torch.nn.Parameter(first.mean(0))
    optimiser = torch.optim.Adam([encoder, decoder, bias, centre], lr=4e-4)

    def rebuild(rows: torch.Tensor) -> torch.Tensor:
        projected = (rows - centre) @ encoder.T + bias
        values, indices = projected.topk(K, sorted=False)
        code = torch.zeros_like(projected).scatter(-1, indices, values.relu())
        return code @ decoder + centre

    def step(rows: torch.Tensor) -> None:
        (rebuild(rows) - rows).square().sum(dim=-1).mean().backward()
        optimiser.step()
        optimiser.zero_grad()
        with torch.no_grad():
            decoder.div_(decoder.norm(dim=1, keepdim=True))

    return step, rebuild


if __name__ == "__main__":
    serve(build)
