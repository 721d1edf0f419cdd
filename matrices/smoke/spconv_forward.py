"""A submanifold convolution runs on the GPU and gives a value for every site that it was given."""

import spconv.pytorch as spconv
import torch

dense = torch.randn(1, 4, 4, 4, 2, device="cuda")  # batch, then the three axes, then the channels
sparse = spconv.SparseConvTensor.from_dense(dense)
layers = spconv.SparseSequential(spconv.SubMConv3d(2, 2, 3, indice_key="k")).to("cuda")
with torch.no_grad():
    found = layers(sparse).features
torch.cuda.synchronize()
assert found.shape == (sparse.features.shape[0], 2), found.shape
assert torch.isfinite(found).all()
print("spconv forward OK")
