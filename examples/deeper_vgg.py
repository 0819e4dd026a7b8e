"""A third block of convolutions and fewer parameters: the deeper VGG against the shallow one ("Deep Learning: CNNs part 2").

python examples/deeper_vgg.py
python examples/deeper_vgg.py --data cifar10:DIR               with mirrored and moved images
"""

from experiment import run

NETWORKS: dict[str, list[str]] = {"shallowvggnet_dropout": [], "deepvggnet_dropout": []}
SMALL = ["--input", "32x32x1", "--epochs", "8"]
LARGE = ["--optimizer", "sgd", "--momentum", "0", "--lr", "0.01", "--augment", "flip+crop", "--epochs", "60"]

if __name__ == "__main__":
    run("Train a shallow and a deeper VGG.", NETWORKS, SMALL, LARGE, "deeper_vgg")
