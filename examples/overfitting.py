"""The overfitting of ShallowVGGNet, and what dropout does about it ("Deep Learning: CNNs part 2").

    python examples/overfitting.py                                 learns from a tenth of the digits, so that there is something to overfit
    python examples/overfitting.py --data cifar10:DIR              the lecture's set: 50,000 images, SGD with a learning rate of 0.01

Without dropout the validation loss turns up again while the training loss goes on to 0.
"""

from experiment import run

NETWORKS: dict[str, list[str]] = {"shallowvggnet": [], "shallowvggnet_dropout": []}
SMALL = ["--input", "32x32x1", "--val", "0.9", "--epochs", "40", "--schedule", "constant"]
LARGE = ["--optimizer", "sgd", "--momentum", "0", "--lr", "0.01", "--schedule", "constant", "--epochs", "40"]

if __name__ == "__main__":
    run("Train ShallowVGGNet without and with dropout.", NETWORKS, SMALL, LARGE, "overfitting")
