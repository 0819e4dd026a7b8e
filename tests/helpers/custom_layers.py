"""Keras models of small specs, made of the custom layers and of as little else as they need."""

from __future__ import annotations

from archspec.backends.keras.built_in_rows import ROWS
from archspec.backends.keras.custom_rows import CUSTOM
from archspec.backends.keras.making_calls import is_expression
from archspec.backends.keras.templates import sources, words_in
from archspec.backends.source.constructor import names_called, written
from archspec.ir.walk import Names
from archspec.types import Map
from tests.helpers.keras import keras as keras_on_torch


def built(network):
    """A functional model of the layers of a network without blocks, and its layers by their names in the network."""
    keras = keras_on_torch()
    graph = network.graph
    values = [keras.Input(input_.type.shape) for input_ in network.inputs]
    made, names = {}, Names("", graph.naming)
    for node in graph.elements:
        name = names(node)
        types, inputs = graph.types_of(node), [values[value] for value in node.inputs]
        if node.op.step in _PLAIN:
            values.append(_PLAIN[node.op.step](keras, node, inputs))
            continue
        call = (CUSTOM.get(node.op.step) or ROWS[node.op.step])(node.op, *types, node.type)
        if is_expression(call):
            values.append(eval(call.name.format(*[written(value) for _, value in call.arguments], x="x"), scope(), {"x": inputs[0]}))
            continue
        layer = made[name] = layer_of(call, name)
        values.append(layer(inputs[0] if len(inputs) == 1 else inputs or values[0]))
    outputs = [values[output.value] for output in network.outputs]
    model = keras.Model(values[: len(network.inputs)], outputs[0] if len(outputs) == 1 else outputs)
    return model, made


_PLAIN = {
    "tokens": lambda keras, node, values: keras.layers.Reshape(node.type.shape)(values[0]),
    "map": lambda keras, node, values: keras.layers.Reshape(node.type.shape)(values[0]),
    "flatten": lambda keras, node, values: keras.layers.Flatten()(values[0]),
}


def layer_of(call, name):
    """The layer of a call, of the text that is written into files."""
    text = "\n\n\n".join(
        [
            *sources(set(names_called(call)), words_in(written(call))),
            f"layer = {written(call)[:-1]}, name={name!r})".replace("(, ", "("),
        ]
    )
    return scope(text)["layer"]


def scope(text=""):
    """What a file with this text defines."""
    keras_on_torch()
    found = {"__name__": "emitted"}
    exec(compile(f"{HEAD}\n\n\n{text}", "emitted", "exec"), found)
    return found


HEAD = "import math\nimport re\n\nimport keras\nimport numpy as np\nfrom keras import layers, ops"


def moved(network, made, state):
    """Give the layers the tensors of a state_dict of PyTorch, by their names."""
    import numpy as np

    graph, names = network.graph, Names("", network.graph.naming)
    for node in graph.elements:
        name = names(node)
        if name not in made:
            continue
        weights = node.op.weights(*graph.types_of(node))
        assert [w.name for w in made[name].weights] == [_plain(w.name) for w in weights]
        assert [w.trainable for w in made[name].weights] == [w.role in ("weight", "bias") and not node.op.frozen for w in weights]
        given = [state[f"{name}.{w.name}" if w.name else name].numpy().copy() for w in weights]
        made[name].set_weights([np.reshape(value, w.shape) for value, w in zip(given, made[name].weights, strict=True)])


def _plain(name):
    return "".join(letter if letter.isalnum() else "_" for letter in name) or "weight"


def last(array, type_):
    """An array of PyTorch with its channels last."""
    import numpy as np

    return np.moveaxis(array, 1, -1) if isinstance(type_, Map) else array


def drawn(network, batch=3, seed=0):
    """Numbers for each input, channels last."""
    import numpy as np

    draws = np.random.default_rng(seed)
    if next(iter(network.graph.elements)).op.indexes:
        return [draws.integers(0, 5, (batch, *input_.type.shape)) for input_ in network.inputs]
    return [draws.normal(size=(batch, *input_.type.shape)).astype("float32") for input_ in network.inputs]


TOKENS = "input 3x4x12\ntokens\n"
MAP = "input 6x8x12\n"
LAYERS = {
    "cls": TOKENS + "cls\n",
    "cls several": TOKENS + "cls 3\n",
    "pos": TOKENS + "pos\n",
    "pos sin": TOKENS + "pos kind=sin\n",
    "scale map": MAP + "scale 0.5\n",
    "scale line": "input 7x5\nscale\n",
    "scale tokens": TOKENS + "scale 0.1\n",
    "scale vector": "input 5\nscale\n",
    "scale shared": MAP + "scale shared=yes\n",
    "scale flat": MAP + "scale flat=yes\n",
    "scale flat shared": MAP + "scale flat=yes shared=yes\n",
    "scale frozen": MAP + "scale frozen=yes\n",
    "scale flat frozen": MAP + "scale flat=yes frozen=yes\n",
    "tensor map": MAP + "t: tensor 2x3x4\nfrom t\n",
    "tensor tokens": MAP + "t: tensor 3x4 init=normal std=0.3\nfrom t\n",
    "tensor line": "input 4x5\nt: tensor 3x4 map=yes\nfrom t\n",
    "tensor vector": "input 4x5\nt: tensor 3 init=1.5 frozen=yes\nfrom t\n",
    "tensor stored": MAP + "t: tensor 2x3x4 stored=1x4x6 init=xavier\nfrom t\n",
    "lrn": MAP + "lrn n=4 alpha=0.3 beta=0.6 k=2\n",
    "lrn odd": MAP + "lrn alpha=0.3\n",
    "grn": MAP + "grn eps=0.01\n",
    "grn line": "input 7x5\ngrn\n",
    "evonorm": MAP + "evonorm 4 eps=0.01\n",
    "evonorm line": "input 7x6\nevonorm 2\n",
    "evonorm no act": MAP + "evonorm 3 act=no\n",
    "l2norm": MAP + "l2norm\n",
    "l2norm vector": "input 5\nl2norm eps=3.0\n",
    "rbf": "input 5\nrbf 7\n",
    "rnn": TOKENS + "rnn 5\n",
    "gru": TOKENS + "gru 5 dirs=2 layers=2\n",
    "lstm": TOKENS + "lstm 5 dirs=2 layers=3 out=last\n",
    "lstm no bias": "input 7x5\nlstm 4 bias=no\n",
    "gru last": "input 7x5\ngru 4 out=last frozen=yes\n",
}
ATTENTION = {
    "in": "heads=3", "no bias": "heads=3 bias=no", "causal": "heads=3 causal=yes", "apart": "heads=3 proj=apart", "qkv": "heads=4 proj=qkv",
    "kvheads": "heads=6 kvheads=2", "kvheads qkv": "heads=6 kvheads=3 proj=qkv", "rope": "heads=3 rope=100", "d f": "heads=3 d=5 f=7",
    "scale": "heads=3 scale=0.5", "table": "heads=3 rel=table", "mlp": "heads=3 rel=mlp", "buckets": "heads=3 rel=buckets",
    "buckets causal": "heads=3 rel=buckets causal=yes", "cos": "heads=3 sim=cos", "cos qkv": "heads=3 sim=cos proj=qkv",
    "talk": "heads=3 talk=yes", "all": "heads=6 kvheads=3 d=4 f=8 rope=10 causal=yes proj=apart scale=0.3 bias=no frozen=yes",
}  # fmt: skip
LAYERS |= {f"attn {name}": f"{TOKENS}attn {text}\n" for name, text in ATTENTION.items()}
LAYERS |= {f"attn line {name}": f"input 7x12\nattn {ATTENTION[name]}\n" for name in ("in", "table", "buckets", "rope", "all")}
WINDOWS = {
    "all": "", "w": "w=2", "w uneven": "w=3x4", "shift": "w=2 shift=1", "shift covered": "w=6x4 shift=2x3", "grid": "grid=2x4",
    "table": "w=3x4 rel=table", "mlp": "w=3x4 rel=mlp sim=cos", "whole table": "rel=table", "qkv": "w=2 shift=1 proj=qkv rel=table kvheads=3",
    "v2": "w=2 shift=1 proj=qkv rel=mlp sim=cos", "talk": "w=3x4 talk=yes", "grid table": "grid=3x2 rel=table scale=1.5",
}  # fmt: skip
LAYERS |= {f"attn map {name}": f"{MAP}attn heads=6 {text}\n" for name, text in WINDOWS.items()}
LAYERS |= {
    "attn 3-D": "input 4x2x6x8\nattn heads=2 w=2x2x3 shift=1x1x0 rel=table\n",
    "attn 3-D grid": "input 4x2x6x8\nattn heads=2 grid=2x1x3 rel=mlp\n",
    "attn line w": "input 8x6\nattn heads=2 w=4 shift=2\n",
    "attn kv": "u: input 5x8\nx: input 3x4x12\nfrom u | tokens\nc: scale\nfrom x | tokens | attn heads=3 kv=c\n",
    "attn kv same": "u: input 5x12\nx: input 3x4x12\nfrom x | attn heads=3 kv=u bias=no kvheads=1\n",
    "attn kv in": "u: input 5x12\nx: input 3x4x12\nfrom x | attn heads=3 kv=u d=2\n",
    "attn rel": TOKENS + "b: buckets heads=3\nattn heads=3 rel=b\n",
    "attn kv rel": "u: input 5x8\nb: input 12x5x3\nx: input 3x4x12\nfrom x | attn heads=3 kv=u rel=b\n",
    "attn turned": TOKENS + "ang: tensor 11x2 init=normal std=1\nattn heads=3 rope=ang prefix=1 pair=1 proj=qkv\n",
    "attn turned odd": TOKENS + "ang: tensor 12x4 init=normal std=1\nattn heads=2 d=5 rope=ang pair=2\n",
    "attn turned apart": "a: input 3x4x6\nx: input 3x4x12\nfrom x | attn heads=3 rope=a rel=table\n",
    "winattn": MAP + "winattn heads=3 w=2 shift=1\n",
    "winattn covered": MAP + "winattn heads=3 w=3x8 shift=1x4 bias=no\n",
    "attend": TOKENS + "attend heads=2\n",
    "attend kvheads": TOKENS + "attend heads=4 kvheads=1 causal=yes rope=50\n",
    "attend turned": TOKENS + "x: scale\nang: tensor 12x1 init=normal std=1\nattend x x heads=2 rope=ang rel=table\n",
    "attend map": MAP + "attend heads=2 w=3x2 rel=table shift=1\n",
    "attend three": TOKENS + "k: scale\nv: scale\nattend k v heads=3 talk=yes\n",
    "attend wider values": MAP + "v: conv k=1 f=30\nfrom input | attend input v heads=6 kvheads=6 w=3x2 rel=table shift=1\n",
    "attend rel": TOKENS + "b: buckets heads=2 causal=yes\nattend heads=2 rel=b\n",
    "buckets": "input 150x3\ntokens\nb: buckets heads=4\nfrom b\n",
    "buckets line": "input 5x3\nb: buckets heads=4 causal=yes\nfrom b\n",
}
LINE, CUBE = "input 9x6\n", "input 4x6x5x6\n"
WINDOWED = {
    "k=3 f=4 p=1", "k=3 f=4 p=1 s=2 round=floor", "k=3 f=4 p=same s=2", "k=2 f=4 p=same bias=no", "k=3 f=6 g=2 round=ceil s=3",
    "k=3 f=4 d=2 s=2 p=2 round=floor", "k=3 f=4 p=0:2 mode=reflect", "k=3 f=4 p=2 mode=edge g=3 f=6", "k=3 f=4 p=1 mode=wrap",
    "k=3 f=4 norm=weight", "k=3 f=4 norm=spectral", "k=3 f=4 norm=std p=same", "k=3 f=4 norm=std gain=no eps=0.1 bias=no",
    "k=3 f=4 norm=spectral bias=no frozen=yes",
}  # fmt: skip
for ground in (LINE, CUBE, MAP):
    LAYERS |= {f"conv {text} {ground}": f"{ground}conv {text.replace('f=4 p=2', 'p=2')}\n" for text in sorted(WINDOWED)}
    DEEP = ("k=3 p=1", "k=2 p=same m=2", "k=3 d=2 s=2 p=2 round=floor norm=weight", "k=3 norm=std p=1 mode=reflect")
    LAYERS |= {f"dwconv {text} {ground}": f"{ground}dwconv {text}\n" for text in DEEP}
    TURNED = (
        "k=3 f=4", "k=2 s=2 f=4", "k=4 s=2 p=1 f=4 g=2", "k=3 s=2 p=1 op=1 f=4", "k=3 s=2 p=same f=4", "k=2 s=3 p=same f=4", "k=3 d=2 f=4 p=2",
        "k=3 d=2 s=3 f=4 op=2 bias=no", "k=1 s=2 f=4 norm=weight", "k=3 f=4 g=2 norm=spectral", "k=3 p=2 f=3 g=3", "k=3 p=3 s=2 f=3 d=2",
    )  # fmt: skip
    LAYERS |= {f"deconv {text} {ground}": f"{ground}deconv {text}\n" for text in TURNED}
    POOLS = ("w=2 round=floor", "w=3 s=2 p=1 round=ceil", "w=3 s=1 p=0:2", "w=2 p=same s=1", "w=3 s=3 p=same", "w=3 s=2 round=ceil")
    LAYERS |= {f"{step} {text} {ground}": f"{ground}{step} {text}\n" for step in ("pool", "avgpool") for text in POOLS}
    LAYERS |= {f"pool {text} {ground}": f"{ground}pool {text}\n" for text in ("w=2 d=2 s=1 p=1", "w=2 d=3 s=2 p=0:1 round=ceil")}
    MEANS = ("w=3 s=2 p=1 round=ceil count_pad=no", "w=3 s=1 p=0:2 count_pad=no", "w=3 p=same s=2 count_pad=no")
    LAYERS |= {f"avgpool {text} {ground}": f"{ground}avgpool {text}\n" for text in MEANS}
    LAYERS |= {f"subsample {text} {ground}": f"{ground}subsample {text}\n" for text in ("w=2 round=floor", "w=3 s=2 round=ceil")}
    SIZES = ("2", "1.5 round=floor", "1.5 round=ceil", "0.4 round=ceil", "3 mode=bilinear", "2 mode=bilinear corners=yes",
             "0.7 mode=bilinear round=floor")  # fmt: skip
    LAYERS |= {f"upsample {text} {ground}": f"{ground}upsample {text}\n" for text in SIZES}
    LAYERS |= {
        f"pad {text} {ground}": f"{ground}pad {text}\n" for text in ("2", "0:3 c=1:2", "2 mode=reflect", "1:2 mode=edge", "w=2:1 mode=wrap")
    }
    LAYERS |= {f"crop {text} {ground}": f"{ground}crop {text}\n" for text in ("3", "1:4")}
    LAYERS |= {f"patchmerge {ground}": f"{ground}pad w=0:1\npatchmerge\n" for ground in (LINE, "input 4x6x5x6\n")}
    LAYERS |= {f"unpool {text} {ground}": f"{ground}x: scale\ny: pool {text}\nunpool x {text}\n"
               for text in ("w=2 round=floor", "w=2 s=3 p=1 round=ceil", "w=2 p=same", "w=2 d=2 s=3 p=1 round=floor")}  # fmt: skip
LAYERS |= {
    "conv maps": MAP + "conv k=3 f=4 maps=((0,1,2),(3,4),(11,0,5),(7,))\n",
    "conv maps padded": "input 8x3\nconv k=3 f=2 p=1 maps=((0,2),(1,)) bias=no s=2 round=floor\n",
    "conv offset": MAP + "x: scale\no: conv k=3 p=1 f=18\nfrom x | conv k=3 p=1 f=4 offset=o\n",
    "conv offset groups": MAP + "x: scale\no: conv k=3 s=2 f=48 p=2x1 d=1 round=floor w_\n".replace(" w_", ""),
    "linear": MAP + "linear 5\n",
    "linear norm": TOKENS + "linear 5 norm=spectral bias=no\n",
    "linear std": TOKENS + "linear 5 norm=std\n",
    "linear weight": "input 7\nlinear 5 norm=weight\n",
    "fc": "input 7\nfc 5\n",
    "upsample to": MAP + "upsample to=9x5 mode=bilinear\n",
    "upsample cubic": MAP + "upsample 2 mode=bicubic\n",
    "upsample cubic corners": MAP + "upsample to=5x11 mode=bicubic corners=yes\n",
    "upsample nearest": MAP + "upsample to=13x5\n",
    "upsample one": "input 1x3x2\nupsample to=4x1 mode=bilinear corners=yes\n",
    "crop to": MAP + "crop 3x5\n",
    "rearrange": MAP + 'rearrange "h (w v) (c d) -> d w (h v c)" v=4 d=3\n',
    "rearrange tokens": TOKENS + 'rearrange "(h w) c -> h w c 1" h=3\n',
    "rearrange ones": "input 1x6x4\n" + 'rearrange "1 (a b) c -> a (b c)" a=2\n',
    "slice": MAP + "slice 2:7\n",
    "slice tokens": TOKENS + "slice 2:7 axis=t\n",
    "pixelshuffle": MAP + "pixelshuffle 2\n",
    "pixelshuffle line": LINE + "pixelshuffle 3\n",
    "pixelshuffle cube": "input 2x3x2x16\npixelshuffle 2\n",
    "shuffle": MAP + "shuffle 3\n",
    "patchmerge": MAP + "patchmerge\n",
    "token": TOKENS + "token -2\n",
    "glu": MAP + "glu\n",
    "maxout": TOKENS + "maxout 4\n",
    "maxout vector": "input 6\nmaxout 3\n",
    "squash": MAP + "squash\n",
    "abs": MAP + "abs\n",
    "add": MAP + "add 1.5\n",
    "sub": "input 5\nsub 1.5\n",
    "mul": MAP + "mul -2.0\n",
    "softmax": MAP + "softmax\n",
    "softmax tokens": TOKENS + "softmax axis=t\n",
    "logsoftmax": "input 5x4\nlogsoftmax axis=t\n",
    "prelu": MAP + "prelu\n",
    "prelu each": MAP + "prelu shared=no\n",
    "prelu tokens": TOKENS + "prelu shared=no\n",
    "mean": MAP + "mean axis=c\n",
    "mean line": LINE + "mean axis=c\n",
    "mean tokens": TOKENS + "mean axis=c\n",
    "max": MAP + "max axis=c\n",
    "max t": LINE + "max axis=t\n",
    "droppath": MAP + "droppath 0.3\n",
    "dropout2d": MAP + "dropout2d 0.3\n",
}
