"""What Caffe, ONNX, Darknet, lectures and papers call things. `equivalents.py` says how a row is read."""

CAFFE = """
Convolution | num_output>f kernel_size>k stride>s pad>p dilation>d group>g bias_term>bias | conv
Deconvolution | num_output>f kernel_size>k stride>s pad>p group>g bias_term>bias | deconv
InnerProduct | num_output>n bias_term>bias | fc
Pooling | kernel_size>w stride>s=1 pad>p pool>kind | pool round=ceil
BatchNorm | use_global_stats eps>eps | bn
Dropout | dropout_ratio>p=0.5 | dropout
LRN | local_size>n alpha>alpha beta>beta k>k | lrn
ReLU | negative_slope>slope | relu
Softmax | axis | softmax
Eltwise | operation | -eltwise
Concat | values! axis#channels | concat
SoftmaxWithLoss SigmoidCrossEntropyLoss EuclideanLoss | | -loss
Power Reduction Accuracy Silence ArgMax | | -layer
Slice Split | | -parts
"""

ONNX = """
Conv | kernel_shape>k strides>s pads>p dilations>d group>g auto_pad>p | conv
ConvTranspose | kernel_shape>k strides>s pads>p output_padding>op dilations>d group>g | deconv
Gemm MatMul | alpha beta transA transB | fc
MaxPool | kernel_shape>w strides>s=1 pads>p dilations>d ceil_mode>round | pool
AveragePool | kernel_shape>w strides>s=1 pads>p ceil_mode>round count_include_pad>count_pad=0 | avgpool
GlobalAveragePool | | gap
GlobalMaxPool | | gmp
Relu | | relu
LeakyRelu | alpha>slope | leaky
Elu | alpha>alpha | elu
PRelu | | prelu
HardSwish | | hardswish
Swish | alpha!1.0 | silu
LogSoftmax | axis | logsoftmax
Concat | values! axis#channels | concat
Clip Resize Transpose Squeeze Unsqueeze Reshape ReduceMean ReduceSum ReduceMax SpaceToDepth DepthToSpace Pad Gather Expand Where Cast Shape Constant Pow Sqrt Div Sub Erf | | -operator
"""

WORDS = """
convolution conv2d conv1d conv3d convolutional convlayer convolutionlayer | filters>f kernel_size>k stride>s padding>p dilation>d groups>g bias>bias | conv
pointwise pointwiseconv conv1x1 | filters>f | conv k=1
conv3x3 | filters>f stride>s padding>p | conv k=3
conv5x5 | filters>f stride>s padding>p | conv k=5
depthwise depthwiseconvolution | kernel_size>k stride>s padding>p | dwconv
convtranspose transposed transposedconv transposedconvolution transposeconv deconvolution upconv upconvolution tconv | filters>f kernel_size>k stride>s padding>p | deconv
maxpooling maxpool max_pool mp maxpoolinglayer poolinglayer | window>w stride>s padding>p | pool
averagepool averagepooling avgpooling meanpooling avg_pool meanpool meanpooling ap | window>w stride>s padding>p | avgpool
globalavgpool globalaveragepool globalaveragepooling globalpool globalpooling globalaverage | | gap
globalmaxpool globalmaxpooling | | gmp
adaptiveavgpool adaptiveaveragepool adaptavgpool adaptiveaveragepooling | size>size | adaptpool
adaptivemaxpool | size>size | adaptmaxpool
fullyconnected fully_connected fclayer denselayer connected affine hidden hiddenlayer outputlayer | units>n activation>| | fc
dense fullconnection ip | units>n activation>| | fc
perceptron projection | units>n | linear
batchnormalisation norm2d | | bn
layernormalisation | | ln
rmsnormalization rmsnormalisation rmslayernorm rms | | rmsnorm
normalize l2normalize l2normalization l2normalisation unitnorm lpnormalization | | l2norm
globalresponsenorm | | grn
evonorms0 evonorm2d evonorm2ds0 evonorm2ds0a | groups>groups eps>eps | evonorm
groupnormalisation | groups>groups | gn
instancenorm instancenormalization | | instnorm
normalization localnorm responsenorm localresponsenormalization responsenormalization | | lrn
rectifier relulayer rectifiedlinear rectifiedlinearunit | | relu
lrelu leakyrectifier leakyrelu leaky_relu | slope>slope | leaky
logistic sigm | | sigmoid
tanhyperbolic hyperbolictangent | | tanh
swish | | silu
hswish | | hardswish
hsigmoid | | hardsigmoid
softmaxlayer | | softmax
drop dropoutlayer | p>p | dropout
stochasticdepth | p>p | droppath
spatialdropout | p>p | dropout2d
flattenlayer flat ravel | | flatten
zeropadding zeropad padding | p>p | pad
upsampling upsamplinglayer unsample | factor>n | upsample
downsample downsampling downsamplelayer subsampling | | -downsample
subpixel subpixelconv depthtospace | factor>n | pixelshuffle
channelshuffle | groups>g | shuffle
attention selfattention self_attention mha msa multiheadselfattention multiheadattention | heads>heads | attn
windowattention shiftedwindowattention | heads>heads | winattn
identity noop passthrough nop linearactivation | | skip
embedding embeddinglayer | v>v d>d | embed
classtoken clstoken | | cls
posembed positionembedding positionalencoding positionalembedding | | pos
layerscale | init>init | scale
concatenate cat route merge join | values! | concat
sum plus addition eltwisesum shortcutadd elementwiseadd | values! | add
multiply product times hadamard | values! | mul
subtract minus difference | values! | sub
skipconnection residualconnection residualblock resblock identityshortcut | | -residual
inception inceptionmodule fireblock bottleneckblock transformerblock mlp mlpblock convblock | | -block
lstmlayer longshorttermmemory | units>n | lstm
bilstm | units>n | lstm dirs=2
bigru | units>n | gru dirs=2
birnn | units>n | rnn dirs=2
recurrent | | -recurrent
ssm mamba | | -layer
yolo region detection anchor nms roi roipool roialign | | -layer
maxunpool unpooling | | -unpool
avg mean max average median amax amin fmax fmin argmax std var | | -reduction
hardtanh clip clamp softsign geglu swiglu logsigmoid cos sin exp log abs sqrt pow sign sgn step binary linearunit tan atan atanh asin sinh cosh | | -activation
bmm mm | x>x | matmul
addr addmm baddbmm lu cond conj bool vmap renorm | | -operator
permute transpose squeeze unsqueeze repeatvector | | -reshape
crossentropy loss criterion mse mae bce | | -loss
adam sgd rmsprop optimizer lr epochs learningrate batchsize | | -optimizer
noise gaussiannoise | | -noise
resize rescale normalise augment randomflip | | -data
end stop layer model network net nn os ops amp | | -word
"""
