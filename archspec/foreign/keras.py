"""What Keras calls things: keras.layers. `equivalents.py` says how a row is read."""

ROWS = """
Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D | filters>f kernel_size>k strides>s padding>p data_format dilation_rate>d groups>g activation>| use_bias>bias kernel_initializer>init bias_initializer | conv
SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D | filters>conv.f kernel_size>k strides>s padding>p data_format dilation_rate>d depth_multiplier>m activation>| use_bias>conv.bias depthwise_initializer>init pointwise_initializer>conv.init bias_initializer | dwconv bias=no | conv k=1
DepthwiseConv1D DepthwiseConv2D | kernel_size>k strides>s padding>p depth_multiplier>m data_format dilation_rate>d activation>| use_bias>bias depthwise_initializer>init bias_initializer | dwconv
Conv1DTranspose Conv2DTranspose Convolution1DTranspose Convolution2DTranspose | filters>f kernel_size>k strides>s padding>p output_padding>op data_format dilation_rate>d activation>| use_bias>bias kernel_initializer>init bias_initializer | deconv
Conv3DTranspose Convolution3DTranspose | filters>f kernel_size>k strides>s padding>p data_format output_padding>op dilation_rate>d activation>| use_bias>bias kernel_initializer>init bias_initializer | deconv
Dense | units>n activation>| use_bias>bias kernel_initializer>init bias_initializer lora_rank!None lora_alpha quantization_config | fc
MaxPooling1D MaxPooling2D MaxPooling3D MaxPool1D MaxPool2D MaxPool3D | pool_size>w=2 strides>s padding>p data_format | pool
AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D | pool_size>w=2 strides>s padding>p data_format | avgpool
GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D | data_format keepdims>keep=False | gap
GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D | data_format keepdims>keep=False | gmp
AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D | output_size>size data_format | adaptpool
AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D | output_size>size data_format | adaptmaxpool
BatchNormalization | axis#channels momentum>momentum epsilon>eps center scale renorm!False renorm_clipping renorm_momentum synchronized | bn
LayerNormalization | axis#channels epsilon>eps center>bias scale>scale | ln
RMSNormalization | axis#channels epsilon>eps=0.000001 | rmsnorm
UnitNormalization | axis#channels order!2 | l2norm
GroupNormalization | groups>groups=32 axis#channels epsilon>eps center!True scale!True | gn
Activation | activation>| | ?
ReLU | max_value>cap negative_slope>slope threshold!0 | relu
LeakyReLU | negative_slope>slope=0.3 alpha>slope | leaky
ELU | alpha>alpha | elu
PReLU | alpha_initializer alpha_regularizer alpha_constraint shared_axes>shared=None | prelu
Softmax | axis#channels | softmax
Dropout | rate>p noise_shape!None seed | dropout
SpatialDropout1D SpatialDropout2D SpatialDropout3D | rate>p data_format seed | dropout2d
Flatten | data_format | flatten
ZeroPadding1D | padding>pad1=1 data_format | pad
ZeroPadding2D | padding>pad2=1 data_format | pad
ZeroPadding3D | padding>pad3=1 data_format | pad
Cropping1D | cropping>crop1=1 data_format | crop
Cropping2D | cropping>crop2=0 data_format | crop
Cropping3D | cropping>crop3=1 data_format | crop
UpSampling1D UpSampling2D UpSampling3D | size>n=2 data_format interpolation>mode | upsample
Identity | | skip
Embedding | input_dim>v output_dim>d embeddings_initializer embeddings_regularizer embeddings_constraint mask_zero input_length lora_rank!None lora_alpha quantization_config | embed
MultiHeadAttention | num_heads>heads key_dim>d value_dim!None dropout use_bias>bias output_shape>f attention_axes!None sliding_window!None flash_attention use_gate!False | attn
GroupQueryAttention | head_dim>d num_query_heads>heads num_key_value_heads>kvheads dropout use_bias>bias sliding_window!None flash_attention use_gate!False | attn
Input InputLayer | shape>shape batch_size dtype input_shape>shape | input
Add | values! | add
Concatenate | values! axis#channels | concat
Multiply | values! | mul
Subtract | values! | sub
TimeDistributed | layer>each | ?
SimpleRNN | units>n activation!tanh use_bias>bias=True#twice kernel_initializer recurrent_initializer bias_initializer dropout recurrent_dropout return_sequences>out=False return_state!False go_backwards!False stateful unroll | rnn
LSTM CuDNNLSTM | units>n activation!tanh recurrent_activation!sigmoid use_bias>bias=True#twice kernel_initializer recurrent_initializer bias_initializer unit_forget_bias dropout recurrent_dropout return_sequences>out=False return_state!False go_backwards!False stateful unroll use_cudnn | lstm
GRU CuDNNGRU | units>n activation!tanh recurrent_activation!sigmoid use_bias>bias kernel_initializer recurrent_initializer bias_initializer dropout recurrent_dropout return_sequences>out=False return_state!False go_backwards!False stateful unroll reset_after!True use_cudnn | gru
Bidirectional | layer>dirs merge_mode!concat weights backward_layer!None | ?
LSTMCell GRUCell SimpleRNNCell RNN StackedRNNCells | | -recurrent
Reshape | target_shape>shape | ?
Permute | dims>order | ?
RepeatVector | | -copies
Average | | -average
Maximum Minimum | | -merge
Dot | | -product
Attention AdditiveAttention | | -attention
ConvLSTM1D ConvLSTM2D ConvLSTM3D | | -convlstm
EinsumDense | | -einsum
LocallyConnected1D LocallyConnected2D | | -local
Masking | | -mask
ReversibleEmbedding | | -tied
Lambda FlaxLayer JaxLayer TFSMLayer TorchModuleWrapper Layer Wrapper InputSpec | | -foreign
SpectralNormalization | layer>spectral power_iterations | ?
AlphaDropout GaussianDropout GaussianNoise ActivityRegularization | | -noise
Rescaling Normalization Resizing CenterCrop RandomFlip RandomRotation RandomZoom RandomTranslation RandomCrop RandomContrast RandomBrightness RandomHeight RandomWidth RandomHue RandomSaturation RandomSharpness RandomShear RandomPerspective RandomPosterization RandomInvert RandomGrayscale RandomGaussianBlur RandomErasing RandomElasticTransform RandomColorJitter RandomColorDegeneration RandAugment AugMix AutoContrast CutMix MixUp Equalization Solarization ContrastLimitedAdaptiveHistogramEqualization MaxNumBoundingBoxes MelSpectrogram STFTSpectrogram CategoryEncoding Discretization HashedCrossing Hashing IntegerLookup StringLookup TextVectorization Pipeline | | -data
BinaryCrossentropy BinaryFocalCrossentropy CTC CategoricalCrossentropy CategoricalFocalCrossentropy CategoricalHinge Circle Dice Hinge Huber KLDivergence LogCosh MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson SparseCategoricalCrossentropy SquaredHinge Tversky categorical_crossentropy sparse_categorical_crossentropy binary_crossentropy mse loss | | -loss
Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion Muon Nadam RMSprop SGD Momentum optimizer compile fit | | -optimizer
Model Functional | | -container
"""
