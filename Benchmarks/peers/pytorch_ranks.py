"""Steps of ResNet-20 in two processes of one thread each: DistributedDataParallel over gloo, with norms of each process's images, as
SyncBatchNorm refuses processors.

Usage: pytorch_ranks.py FOLDER BATCH STEPS; prints the seconds of the steps.
"""
import sys
import tempfile
import time

import cifar
import networks
import torch
from torch import distributed

RANKS = 2


def train(rank, meeting, folder, batch, steps):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{meeting}/ranks", rank=rank, world_size=RANKS)
    images, labels = (torch.from_numpy(values) for values in cifar.standardized(folder))
    images, labels = images.permute(0, 3, 1, 2), labels.long()
    net, _ = networks.image_network("resnet20")
    net = torch.nn.parallel.DistributedDataParallel(net.to(memory_format=torch.channels_last))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    times = []
    for step in range(steps):
        distributed.barrier()
        start = time.perf_counter()
        first = step * batch % (len(images) - batch) + rank * batch // RANKS
        own = slice(first, first + batch // RANKS)
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(images[own]), labels[own]).backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
    if rank == 0:
        print(*times)
    distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as meeting:
        torch.multiprocessing.spawn(train, (meeting, sys.argv[1], int(sys.argv[2]), int(sys.argv[3])), nprocs=RANKS)
