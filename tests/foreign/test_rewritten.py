"""Lines as beginners and other tools write them: the message holds the whole line as it is written here."""

import re

import pytest

from archspec.api import Options, compile_text
from archspec.foreign.equivalents import REASONS
from archspec.foreign.whole_lines import rewritten
from archspec.ops import STEPS
from tests.helpers.messages import errors

PYTHON = [
    ("Conv2D(32, (3,3), activation='relu')", "conv k=3 f=32 | relu"),
    ("Conv2D(32, (3, 5), strides=(1, 2), padding='same')", "conv k=3x5 f=32 s=1x2 p=same"),
    ("nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)", "conv k=7 f=64 s=2 p=3 bias=no"),
    ("torch.nn.Conv2d(3, 64, 3, padding='same')", "conv k=3 f=64 p=same"),
    ('model.add(Dense(10, activation="softmax"))', "fc 10 | softmax"),
    ("model.add(layers.MaxPooling2D((2, 2)))", "pool w=2"),
    ("self.conv1 = nn.Conv2d(1, 6, 5)", "conv1: conv k=5 f=6"),
    ("self.layers.append(nn.Linear(4, 5))", "fc 5"),
    ("x = MaxPool2D(2)(x)", "pool w=2"),
    ("x = layers.Dense(units=10)(x)", "fc 10"),
    ("x = tf.keras.layers.SeparableConv2D(64, 3, padding='same')(x)", "dwconv k=3 p=same bias=no | conv k=1 f=64"),
    ("MaxPooling2D()", "pool w=2"),
    ("nn.MaxPool2d(3)", "pool w=3"),
    ("nn.MaxPool2d(3, 2, 1)", "pool w=3 s=2 p=1"),
    ("nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)", "avgpool w=3 s=2 p=1 count_pad=no"),
    ("nn.AdaptiveAvgPool2d((1, 1))", "gap"),
    ("nn.AdaptiveAvgPool2d((7, 7))", "adaptpool 7"),
    ("layers.GlobalAveragePooling2D()", "gap | flatten"),
    ("layers.Conv2D(16, 3, kernel_initializer='he_normal')", "conv k=3 f=16 init=kaiming"),
    ("layers.Conv2D(16, 3, kernel_initializer=keras.initializers.GlorotNormal())", "conv k=3 f=16 init=xavier_normal"),
    ("layers.Conv2D(16, 3, name='stem')", "stem: conv k=3 f=16"),
    ("layers.Conv2D(16, 3, activation='relu'),", "conv k=3 f=16 | relu"),
    ("keras.Input(shape=(28, 28, 1))", "input 28x28x1"),
    ("inputs = keras.Input((32, 32, 3))", "input 32x32x3"),
    ("layers.InputLayer(input_shape=(32, 32, 3))", "input 32x32x3"),
    ("nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True))", "conv k=3 f=8 | relu"),
    ("x = layers.add([x, residual])", "add residual"),
    ("x = layers.Concatenate()([x, e1])", "concat e1"),
    ("x = layers.Subtract()([x, e1])", "sub e1"),
    ("x = x - blurred", "sub blurred"),
    ("x -= blurred", "sub blurred"),
    ("x = x.transpose(1, 2)", "swap"),
    ("x = x.permute(0, 2, 1)", "swap"),
    ("x = torch.transpose(x, 1, 2)", "swap"),
    ("x = torch.matmul(x, weights)", "matmul weights"),
    ("x = torch.bmm(x, weights)", "matmul weights"),
    ("layers.Dense(8, kernel_initializer='truncated_normal')", "fc 8 init=truncated std=0.05"),
    ("layers.MultiHeadAttention(num_heads=8, key_dim=16)", "attn heads=8 d=16"),
    ("layers.GroupQueryAttention(16, 8, 2)", "attn heads=8 kvheads=2 d=16"),
    ("x = torch.cat([x, e1], dim=1)", "concat e1"),
    ("x += shortcut", "add shortcut"),
    ("out = out + identity", "add identity"),
    ("x = torch.flatten(x, 1)", "flatten"),
    ("x = x.view(-1, 16 * 5 * 5)", "flatten"),
    ("x = x.view(x.size(0), -1)", "flatten"),
    ("x = F.relu(x)", "relu"),
    ("return F.log_softmax(x, dim=1)", "logsoftmax"),
    ("x = F.max_pool2d(x, 2)", "pool w=2"),
    ("layers.Activation('swish')", "silu"),
    ("layers.ReLU(max_value=6)", "relu6"),
    ("layers.LeakyReLU()", "leaky 0.3"),
    ("nn.LeakyReLU(0.2, inplace=True)", "leaky 0.2"),
    ("nn.BatchNorm2d(64, eps=0.001)", "bn eps=0.001"),
    ("nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False)", "upsample 2 mode=bilinear"),
    ("nn.Upsample(scale_factor=1.5, mode='bicubic')", "upsample 1.5 mode=bicubic"),
    ("nn.Embedding(1000, 64)", "embed 1000 64"),
    ("nn.MultiheadAttention(64, 8, batch_first=True)", "attn heads=8"),
    ("nn.Linear(16 * 5 * 5, n)", "fc n"),
    ("TimeDistributed(Dense(10))", "linear 10"),
    ("x = Dropout(0.5)(Dense(64, activation='relu')(x))", "fc 64 | relu | dropout 0.5"),
    ("layers.Conv2D(32, 3, activation=layers.LeakyReLU(0.1))", "conv k=3 f=32 | leaky 0.1"),
    ("layers.Conv2D(32, 3, activation=layers.LeakyReLU())", "conv k=3 f=32 | leaky 0.3"),
    ("layers.Dense(8, activation=layers.ELU(alpha=0.5))", "fc 8 | elu 0.5"),
    ("layers.Activation(layers.LeakyReLU(negative_slope=0.1))", "leaky 0.1"),
    ("nn.Linear(hidden, n)", "fc n"),
    ("nn.Linear(512, 2**4)", "fc 16"),
    ("x = F.dropout(x, training=self.training)", "dropout 0.5"),
    ("tf.layers.conv2d(inputs=x, filters=32, kernel_size=[5, 5], padding='same', activation=tf.nn.relu)", "conv k=5 f=32 p=same | relu"),
    ("tf.nn.max_pool2d(x, ksize=2, strides=2, padding='SAME')", "pool w=2 s=2 p=same"),
    ("x = torch.mean(x, dim=(2, 3))", "gap | flatten"),
    ("x = x.mean([2, 3])", "gap | flatten"),
    ("x = layers.Concatenate()([x, y])", "concat y"),
    ("nn.Sequential(OrderedDict([('conv1', nn.Conv2d(3, 8, 3)), ('relu1', nn.ReLU())]))", "conv k=3 f=8 | relu"),
    ("(conv1): Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)", "conv1: conv k=3 f=8 s=2 p=1 bias=no"),
    ("(0): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)", "pool w=2 s=2"),
    ("('fc', nn.Linear(8, 4)),", "fc: fc 4"),
    ("x = torch.cat([x, e1], 1)", "concat e1"),
    ("x = torch.cat((up, e1), 1)", "from up | concat e1"),
    ("x = torch.mul(x, gate)", "mul gate"),
    ("x = x * gate", "mul gate"),
    ("x *= gate", "mul gate"),
    ("layers.Conv2D(32, 3, name=f'conv{i}')", "conv k=3 f=32"),
    ("x = F.avg_pool2d(x, x.size()[2:])", "gap"),
    ("x = F.avg_pool2d(x, kernel_size=x.shape[2:])", "gap"),
    ("num_classes = 10", "param num_classes = 10"),
    ("deep = True", "param deep = yes"),
    ("DEEP = True", "param DEEP = yes"),
    ("for i in range(3): relu", "repeat 3 as i: relu"),
    ("nn.LSTM(128, 64, num_layers=2, bidirectional=True, batch_first=True)", "lstm 64 dirs=2 layers=2"),
    ("self.memory = nn.GRU(input_size=128, hidden_size=64)", "memory: gru 64"),
    ("x = layers.Bidirectional(layers.GRU(64, return_sequences=True))(x)", "gru 64 dirs=2"),
    ("layers.LSTM(64, return_sequences=True, use_bias=False)", "lstm 64 bias=no"),
    ("layers.SimpleRNN(8, use_bias=False)", "rnn 8 bias=no out=last"),
    ("nn.ReflectionPad2d(3)", "pad 3 mode=reflect"),
    ("nn.ReplicationPad2d((1, 2, 3, 4))", "pad h=3:4 w=1:2 mode=edge"),
    ("nn.ZeroPad2d((0, 1, 0, 1))", "pad 0:1"),
    ("layers.ZeroPadding2D(((0, 1), (0, 1)))", "pad 0:1"),
    ("layers.ZeroPadding2D(padding=((0, 1), (2, 3)))", "pad h=0:1 w=2:3"),
    ("layers.ZeroPadding1D((1, 2))", "pad 1:2"),
    ("layers.Cropping1D((1, 2))", "crop 1:w()-2"),
    ("layers.Cropping2D(((2, 2), (4, 4)))", "crop (h()-4)x(w()-8)"),
    ("layers.Cropping2D(((1, 2), (1, 2)))", "crop 1:h()-2"),
    ("layers.Permute((2, 1))", "swap"),
    ("layers.Permute((2, 1, 3))", 'rearrange "a b c -> b a c"'),
    ("layers.Reshape((4, 8, 96))", "reshape 4x8x96"),
    ("nn.Unflatten(1, (96, 4, 8))", "reshape 4x8x96"),
    ("nn.PixelUnshuffle(2)", 'rearrange "(h a) (w b) c -> h w (c a b)" a=2 b=2'),
    ("layers.GlobalMaxPooling2D()", "gmp | flatten"),
    ("nn.AdaptiveMaxPool2d(1)", "gmp"),
    ("nn.utils.spectral_norm(nn.Conv2d(3, 8, 3))", "conv k=3 f=8 norm=spectral"),
    ("self.first = weight_norm(nn.Conv1d(3, 8, 3, padding=1), name='weight')", "first: conv k=3 f=8 p=1 norm=weight"),
    ("layers.SpectralNormalization(layers.Conv2D(8, 3, activation='relu'))", "conv k=3 f=8 norm=spectral | relu"),
    ("nn.Conv2d(3, 8, 3, padding=1, padding_mode='reflect')", "conv k=3 f=8 p=1 mode=reflect"),
    ("layers.Conv1D(8, 3, padding='causal')", "conv k=3 f=8 p=causal"),
    ("layers.LayerNormalization(center=False, scale=False)", "ln affine=no"),
    ("nn.EmbeddingBag(1000, 64)", "embed 1000 64 | mean axis=t"),
]
BARE = [
    ("Conv2D 32 3x3", "conv k=3 f=32"),
    ("Conv2D filters=32 kernel_size=3", "conv k=3 f=32"),
    ("Conv 3x3 32", "conv k=3x3 f=32"),
    ("maxpool 2", "pool w=2"),
    ("max_pool 3 2", "pool w=3 s=2"),
    ("dense 10", "fc 10"),
    ("Dense units=10 activation=softmax", "fc 10 | softmax"),
    ("dropout(0.5)", "dropout 0.5"),
    ("global_average_pooling", "gap"),
    ("fully_connected 10", "fc 10"),
    ("InnerProduct num_output=10", "fc 10"),
    ("Pooling pool=AVE kernel_size=2 stride=2", "avgpool w=2 s=2 round=ceil"),
    ("Gemm", None),
    ("bilstm 64", "lstm 64 dirs=2"),
    ("Identity k=3", "skip"),
    ("Dense 8 kernel_initializer=HeNormal()", "fc 8 init=kaiming"),
    ("Conv kernel_shape=[3,3] pads=[0,0,1,1] filters=3", "conv k=3 f=3 p=0:1"),
    ("ReflectionPad2d 3", "pad 3 mode=reflect"),
    ("conv kernel_size=3 filters=6", "conv k=3 f=6"),
    ("conv kernel=3 filters=6", "conv k=3 f=6"),
    ("conv k=3 f=6 strides=2 padding=same activation=relu", "conv k=3 f=6 s=2 p=same | relu"),
    ("conv k=3 f=6 kernel_initializer=he_normal", "conv k=3 f=6 init=kaiming"),
    ("fc units=10", "fc 10"),
    ("fc 10 relu", "fc 10 | relu"),
    ("fc 3072 120", "fc 120"),
    ("linear 3072 120", "linear 120"),
    ("bn 64", "bn"),
    ("pool 2 2", "pool w=2 s=2"),
    ("pool 3 2 1", "pool w=3 s=2 p=1"),
    ("avgpool 2 2", "avgpool w=2 s=2"),
    ("conv 3x3x6", "conv k=3x3 f=6"),
    ("conv 5 f=6", "conv k=5 f=6"),
    ("conv k:3 f:6", "conv k=3 f=6"),
    ("conv: k=3 f=6", "conv k=3 f=6"),
    ("conv k3 f6", "conv k=3 f=6"),
    ("conv(k=5, f=6)", "conv k=5 f=6"),
    ("CONV K=5 F=6", "conv k=5 f=6"),
    ("Conv k=5 f=6 bias=False", "conv k=5 f=6 bias=no"),
    ("conv k=5 f=6 p=SAME", "conv k=5 f=6 p=same"),
    ("conv k=3 x 3 f=6", "conv k=3x3 f=6"),
    ("conv k=(3,3) f=6", "conv k=3 f=6"),
    ("conv k=[3, 3] f=6", "conv k=3 f=6"),
    ("conv k='3' f=6", "conv k=3 f=6"),
    ("relu()", "relu"),
    ("repeat 2: Conv2D 32 3", "repeat 2: conv k=3 f=32"),
    ("stem: Conv2D 32 3", "stem: conv k=3 f=32"),
    ("relu | Conv2D 32 3 | maxpool 2", "relu | conv k=3 f=32 | pool w=2"),
    ("input (28, 28, 1)", "input 28x28x1"),
    ("input 28 x 28 x 1", "input 28x28x1"),
    ("input 28, 28, 1", "input 28x28x1"),
    ("default conv padding=same", "default conv p=same"),
    ("conv 6@5x5", "conv k=5x5 f=6"),
    ("conv 5x5, 6 filters", "conv k=5x5 f=6"),
    ("conv 32 filters 3x3 stride 2", "conv k=3x3 f=32 s=2"),
    ("conv 3x3 f=8 same", "conv k=3x3 f=8 p=same"),
    ("conv {k: 3, f: 8}", "conv k=3 f=8"),
    ("conv [k=3 f=8]", "conv k=3 f=8"),
    ("pool size=2 stride=2", "pool w=2 s=2"),
    ("max pool 2", "pool w=2"),
    ("global average pooling", "gap"),
    ("batch norm", "bn"),
    ("fully connected 10", "fc 10"),
    ("fully-connected 10", "fc 10"),
    ("leaky relu 0.2", "leaky 0.2"),
    ("fc=10", "fc 10"),
    ('fc "10"', "fc 10"),
    ("fc 1,000", "fc 1000"),
    ("fc 1_000", "fc 1000"),
    ("dropout 50%", "dropout 0.5"),
    ("upsample 2 bilinear", "upsample 2 mode=bilinear"),
    ("bn relu", "bn | relu"),
    ("repeat 3 times: relu", "repeat 3: relu"),
    ("repeat 2: fc 8,16", "repeat 2: fc (8,16)"),
    ("repeat 2: dropout 0.1,0.2", "repeat 2: dropout (0.1,0.2)"),
    ("pool 2,2", "pool w=2"),
    ("pad 1 1", "pad 1"),
    ("pad 1,2", "pad 1x2"),
    ("crop 4 6", "crop 4x6"),
    ("adaptpool 7 7", "adaptpool 7"),
    ("upsample 2x2", "upsample 2"),
    ("slice 0 2", "slice 0:2"),
    ("slice 0,2", "slice 0:2"),
    ("slice 0-2", "slice 0:2"),
    ("slice :2", "slice 0:2"),
    ("leaky 0,2", "leaky 0.2"),
    ("gap 7", "gap"),
    ("flatten 3072", "flatten"),
    ("fc 10 dropout=0.5", "fc 10 | dropout 0.5"),
    ("maxpool 2x2/2", "pool w=2x2 s=2"),
    ("conv with 32 filters of size 3x3", "conv k=3x3 f=32"),
    ("conv k=3 f=8 then relu", "conv k=3 f=8 | relu"),
    ("conv k==3 f==8", "conv k=3 f=8"),
    ("conv k:=3 f:=8", "conv k=3 f=8"),
    ("conv k=3 f=1,000", "conv k=3 f=1000"),
    ("conv, 32 filters, 3x3, stride 1, pad 1", "conv k=3x3 f=32 s=1 p=1"),
    ("conv3-64", "conv k=3 f=64"),
    ("FC-4096", "fc 4096"),
    ("3x3 conv, 64", "conv k=3x3 f=64"),
    ("7x7 conv, 64, /2", "conv k=7x7 f=64 s=2"),
    ("1000-d fc", "fc 1000"),
    ("'conv k=3 f=8'", "conv k=3 f=8"),
    ('"conv k=3 f=8",', "conv k=3 f=8"),
    ("f'fc {n}'", "fc n"),
]
SIGNS = [
    ("conv k=3×3 f=6", "conv k=3x3 f=6"),
    ("conv\u00a0k=3\u00a0f=6", "conv k=3 f=6"),
    ("conv\u2009k=3 f=6", "conv k=3 f=6"),
    ("conv k=“3” f=6", "conv k=3 f=6"),
    ("relu -> fc 10", "relu | fc 10"),
    ("relu → fc 10", "relu | fc 10"),
    ("relu => fc 10", "relu | fc 10"),
    ("relu, fc 10", "relu | fc 10"),
    ("relu; fc 10", "relu | fc 10"),
    ("relu + fc 10", "relu | fc 10"),
    ("relu – fc 10", "relu | fc 10"),
    ("relu;", "relu"),
    ("fc 10,", "fc 10"),
    ("conv k=3, f=6", "conv k=3 f=6"),
    ("conv k = 3, f = 6", "conv k=3 f=6"),
    ("ｃｏｎｖ ｋ＝３ ｆ＝６", "conv k=3 f=6"),
    ("relu // activation", "relu"),
    ("conv k=3 f=6 // the first", "conv k=3 f=6"),
    ("conv k=3 f=6 -- first", "conv k=3 f=6"),
    ("conv k=3 f=6 – relu", "conv k=3 f=6 | relu"),
    ("dropout “0.5”", "dropout 0.5"),
    ("// the head", "# the head"),
    ("<!-- the head -->", "# the head"),
    ("% the head", "# the head"),
    ("- relu;", "relu"),
    ("conv k=3 f=6 │ relu", "conv k=3 f=6 | relu"),
]


def told(line, head="input 32x32x3"):
    found = errors(f"{head}\n{line}\n")
    assert found, line
    return [d for d in found if d.code != "A117"]


@pytest.mark.parametrize(("line", "right"), [*PYTHON, *BARE, *SIGNS], ids=lambda text: str(text)[:60])
def test_the_help_is_the_whole_line(line, right):
    if right is None:
        pytest.skip("needs a number that the line does not have")
    first = told(line, "relu" if "nput" in line else "input 32x32x3")[0]
    assert first.help is not None
    assert f"write `{right}`" in first.help, (first.message, first.help)


@pytest.mark.parametrize("right", sorted({right for _, right in [*PYTHON, *BARE, *SIGNS] if right}))
def test_what_is_proposed_is_right(right):
    """What is written at the second try has no mistake but of size or of a name that stands elsewhere."""
    shape = "32x3" if "causal" in right else "8x8x64" if "attn" in right else "32x32x3"
    text = f"{right}\n" if right.startswith("input") else f"param n = 4\ninput {shape}\n{right}\n"
    found = compile_text(text, "case.arch", Options())[1]
    assert [d for d in found if d.severity == "error" and d.code not in ("A107", "A201", "A203", "A004")] == []
    assert rewritten(right) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x = F.max_pool2d(F.relu(self.conv1(x)), 2)", "write `| relu | pool w=2` behind the line of `conv1`"),
        ("x = self.pool(F.relu(self.conv1(x)))", "`conv1`, `relu`, `pool`"),
        ("LSTM(64)", "`lstm` adds two biases per gate, as PyTorch's does, and Keras's one"),
        (
            "nn.init.kaiming_normal_(m.weight, mode='fan_out')",
            "initial weights are an argument of their layer: `conv k=3 f=8 init=kaiming`",
        ),
        ("init.uniform_(m.weight)", "the language has no initialisation `uniform_`"),
        ("nn.BatchNorm2d(8, bias=False)", "the language has no `bias=False` for `bn`"),
        ("x = x.permute(0, 2, 3, 1)", "shapes are channels last whatever the framework"),
        ("x = x.transpose(0, 3)", "`swap` exchanges positions and channels"),
        ("x = layers.Average()([x, e1])", "write `add NAME | mul 0.5`"),
        ("x = layers.Dot(axes=(2, 1))([x, e1])", "write `matmul NAME`"),
        ("nn.LSTMCell(8, 64)", "`dirs=2` for both directions"),
        ("layers.Bidirectional(layers.Dense(4))", "`fc` has no `dirs=2`"),
        ("layers.Bidirectional(layers.LSTM(64), merge_mode='sum')", "the language has no `merge_mode=sum` for `Bidirectional`"),
        ("layers.Cropping2D(((1, 2), (3, 4)))", "`crop` takes the size that remains, as in `crop 28x30`"),
        ("layers.Reshape((-1, 64))", "write all sizes of the new shape, channels last: `reshape 4x4x64`"),
        ("layers.Permute((1, 1))", "an order of axes has each of them once"),
        ("spectral_norm(nn.BatchNorm2d(8))", "`bn` has no `norm=spectral`"),
        ("layers.LayerNormalization(scale=False)", "`ln` has both weight and bias, the weight alone with `bias=no`"),
        ("nn.LSTM(8, 8, proj_size=4)", "the language has no `proj_size=4` for `lstm`"),
        ("nn.PixelUnshuffle()", "`PixelUnshuffle` needs a number for `downscale_factor`"),
        ("Unflatten", "`Unflatten` needs its arguments, as in `Unflatten(dim, unflattened_size)`"),
        ("nn.ConstantPad2d(1, 0.5)", "the language has no `value=0.5` for `pad`"),
        ("Conv2D", "`Conv2D` is `conv` here; it needs `k` and `f`, as in `conv k=3 f=8`"),
        ("conv 3 8", "write `conv k=3 f=8` for 8 filters of size 3, or `conv k=8 f=3` for 3 of size 8"),
        ("nn.ConvTranspose2d(3, 8, 3, padding_mode='reflect')", "the language has no `padding_mode=reflect` for `deconv`"),
        ("nn.CrossEntropyLoss()", "a loss belongs to training"),
        ("layers.Conv2D(32, 3, input_shape=(28, 28, 1))", "the input is a line of its own at the top: `input 28x28x1`"),
        ("layers.Conv1D(8, 3, padding='around')", "the language has no padding 'around'"),
        ("layers.LayerNormalization(axis=[1, 2])", "`ln` acts on the channels"),
        ("previous = x", "label the line that makes the value: `previous: "),
        ("x = self.conv1(x)", "the line of `conv1` belongs where data passes it"),
        ("conv f=8", "`conv` needs `k`, as in `conv k=3 f=8`"),
        ("nn.LayerNorm([3, 32, 32])", "`ln` normalises the channels of each position"),
        ("out += self.shortcut(x)", "write `residual:` with its layers indented below it"),
        ("return x + self.conv2(x)", "write `residual:` with its layers indented below it"),
        ("layers.Lambda(lambda x: x / 255.0)", "write the layers that it consists of"),
        ("layers.ConvLSTM2D(8, 3)", "near it come `lstm 64` on tokens"),
        ("layers.ReversibleEmbedding(1000, 64)", "write `words: embed 1000 64`, and `linear weights=words`"),
        ("class Net(nn.Module):", "leave out this line of a program"),
        ("def forward(self, x):", "leave out this line of a program"),
        ("torchvision.models.resnet18(weights=None)", "`archspec list` names"),
        ("base = keras.applications.ResNet50(include_top=False)", "`archspec list` names"),
        ("return x, y", "leave out this line of a program"),
        ("nn.AdaptiveAvgPool2d((None, None))", "a size is written `3x5`"),
        ("| relu", "`input` is a line of its own"),
        ("import torch.nn as nn", "leave out this line of a program"),
        ("super().__init__()", "leave out this line of a program"),
        ("return x", "leave out this line of a program"),
    ],
)
def test_what_cannot_be_said_is_said(line, words):
    assert words in (told(line)[0].help or "")


@pytest.mark.parametrize("wrong", ["bilstm", "bmm", "geglu", "rope", "pooling", "max", "mean", "norm", "C 64", "M"])
def test_no_other_layer_is_guessed(wrong):
    assert "did you mean" not in (told(wrong)[0].help or "")


@pytest.mark.parametrize(
    ("wrong", "near"), [("sofmax", "softmax"), ("convv", "conv"), ("cnov", "conv"), ("flaten", "flatten"), ("drpout 0.5", "dropout")]
)
def test_a_misspelt_layer_is_guessed(wrong, near):
    assert told(wrong)[0].help == f"did you mean `{near}`?"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("3", "expected a layer, found `3`"),
        ("conv k=3 f=", "expected a value, found the end of the line"),
        ("relu ;", "expected `key=value`, `|` or the end of the line, found `;`"),
        ("conv k=3×3", "found `×` (U+00D7)"),
        ("relu\u00a0", None),
        ("relu \u00a0| relu", "found a space that is not an ordinary one (U+00A0)"),
        ("relu @", "found `@`"),
        ("relu $x", "found `$`"),
    ],
)
def test_a_wrong_sign_is_told_by_what_was_expected(line, message):
    if message is not None:
        assert message in told(line)[0].message


def test_a_list_without_parentheses_after_a_block():
    (found,) = told("block cb(f): conv k=3 f=f\nrepeat 2: cb 8,16")
    assert found.help == "write `repeat 2: cb (8,16)`"


def test_a_colon_in_place_of_equals_in_the_call_of_a_block():
    (found,) = told("block cb(f): conv k=3 f=f\ncb f:8")
    assert found.help == "write `cb f=8`"


@pytest.mark.parametrize(
    "line", ["Input 32x32x3", "INPUT 32x32x3", "input=32x32x3", "Input(32, 32, 3)", "input [32, 32, 3]", "input (None, 32, 32, 3)"]
)
def test_an_input_in_other_words(line):
    found = compile_text(f"{line}\nrelu\n", "case.arch", Options())[1]
    assert found[0].help == "write `input 32x32x3`"


def test_a_tab_between_words_is_a_space():
    (found,) = told("conv\tk=3 f=6")
    assert (found.code, found.help) == ("A002", "write a space")


def test_what_is_right_is_left_alone():
    for line in (
        "conv k=3 f=8 | relu",
        "conv1: conv k=3 f=8 if deep",
        "fc (4 * n)",
        "repeat 3 as i: conv k=1 f=8*(i+1)",
        "add a b",
        "block b(n): fc n",
    ):
        assert rewritten(line, {"b"}) is None


@pytest.mark.parametrize(
    "line", ["", " ", "((((" * 200, "a(" * 3000, "x = " * 200, "Conv2D(" + "(" * 50 + ")" * 51, "\u0000", "'", '"""', "nn." * 100]
)
def test_any_text_is_read(line):
    rewritten(line)


@pytest.mark.parametrize("reason", sorted(REASONS.values()))
def test_what_a_reason_proposes_is_right(reason):
    """The lines in a reason have no mistake but a label that is not there, an input that does not fit, or the lines that belong below."""
    for line in re.findall(r"`([^`]+)`", reason):
        if line.split()[0] not in STEPS or "NAME" in line or " x" in line:
            continue
        found = compile_text(f"input 16x64\nwords: embed 1000 64\n{line}\n", "case.arch", Options())[1]
        unread = [d for d in found if d.severity == "error" and not d.code.startswith(("A2", "A3")) and d.code not in ("A103", "A107")]
        assert unread == [], (line, unread)
