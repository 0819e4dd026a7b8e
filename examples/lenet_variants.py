"""LeNet as it is lectured, as it was published in 1998, and as Keras's tutorials build it.

python examples/lenet_variants.py
python examples/lenet_variants.py --data mnist:DIR --epochs 10
"""

from experiment import run

NETWORKS = {
    "lenet5": ["--resize"],
    "lenet5_1998": ["--resize"],
    "lenet_keras_one_pool": [],
    "lenet_keras": [],
}

if __name__ == "__main__":
    run("Train four variants of LeNet.", NETWORKS, ["--epochs", "15"], ["--epochs", "10", "--batch", "64"], "lenet_variants")
