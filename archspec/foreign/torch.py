"""What PyTorch calls things: torch.nn and torch.nn.functional. `equivalents.py` says how a row is read."""

ROWS = """
Conv1d Conv2d Conv3d | in_channels out_channels>f kernel_size>k stride>s padding>p dilation>d groups>g bias>bias padding_mode>border | conv
LazyConv1d LazyConv2d LazyConv3d | out_channels>f kernel_size>k stride>s padding>p dilation>d groups>g bias>bias padding_mode>border | conv
ConvTranspose1d ConvTranspose2d ConvTranspose3d | in_channels out_channels>f kernel_size>k stride>s padding>p output_padding>op groups>g bias>bias dilation>d padding_mode!zeros | deconv
LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d | out_channels>f kernel_size>k stride>s padding>p output_padding>op groups>g bias>bias dilation>d padding_mode!zeros | deconv
Linear | in_features out_features>n bias>bias | fc
LazyLinear | out_features>n bias>bias | fc
MaxPool1d MaxPool2d MaxPool3d | kernel_size>w stride>s padding>p dilation>d return_indices!False ceil_mode>round | pool
AvgPool1d AvgPool2d AvgPool3d | kernel_size>w stride>s padding>p ceil_mode>round count_include_pad>count_pad divisor_override!None | avgpool
AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d | output_size>size | adaptpool
AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d | output_size>size return_indices!False | adaptmaxpool
BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm | num_features eps>eps momentum>momentum affine>affine track_running_stats!True device dtype bias!True | bn
LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d | eps>eps momentum>momentum affine>affine track_running_stats!True device dtype bias!True | bn
LayerNorm | normalized_shape#one eps>eps elementwise_affine>affine bias>bias | ln
RMSNorm | normalized_shape#one eps>eps elementwise_affine!True | rmsnorm
GroupNorm | num_groups>groups num_channels eps>eps affine!True device dtype bias!True | gn
InstanceNorm1d InstanceNorm2d InstanceNorm3d | num_features eps>eps momentum affine>affine track_running_stats!False device dtype bias!True | instnorm
LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d | eps>eps momentum affine>affine=True track_running_stats!False device dtype bias!True | instnorm
LocalResponseNorm CrossMapLRN2d | size>n alpha>alpha beta>beta k>k | lrn
ReLU | inplace | relu
ReLU6 | inplace | relu6
LeakyReLU | negative_slope>slope inplace | leaky
ELU | alpha>alpha inplace | elu
CELU | alpha!1.0 inplace | elu
SELU | inplace | selu
GELU | approximate>approx | gelu
GLU | dim | glu
SiLU | inplace | silu
Mish | inplace | mish
Hardswish | inplace | hardswish
Hardsigmoid | inplace | hardsigmoid
Sigmoid | | sigmoid
Tanh | | tanh
Softplus | beta!1.0 threshold | softplus
PReLU | num_parameters>shared init | prelu
Softmax | dim | softmax
Softmax2d | | softmax
LogSoftmax | dim | logsoftmax
Dropout | p>p=0.5 inplace | dropout
Dropout1d Dropout2d Dropout3d | p>p=0.5 inplace | dropout2d
StochasticDepth DropPath | p>p mode | droppath
Flatten | start_dim!1 end_dim!-1 | flatten
ZeroPad1d ZeroPad2d ZeroPad3d | padding>pad0 | pad
ReflectionPad1d ReflectionPad2d ReflectionPad3d | padding>pad0 | pad mode=reflect
ReplicationPad1d ReplicationPad2d ReplicationPad3d | padding>pad0 | pad mode=edge
CircularPad1d CircularPad2d CircularPad3d | padding>pad0 | pad mode=wrap
Upsample | size!None scale_factor>n mode>mode align_corners!False recompute_scale_factor | upsample
UpsamplingNearest2d | size!None scale_factor>n | upsample
PixelShuffle | upscale_factor>n | pixelshuffle
ChannelShuffle | groups>g | shuffle
Identity | | skip
Embedding | num_embeddings>v embedding_dim>d padding_idx max_norm!None norm_type scale_grad_by_freq sparse _weight _freeze | embed
EmbeddingBag | num_embeddings>v embedding_dim>d max_norm!None norm_type scale_grad_by_freq mode!mean sparse _weight include_last_offset padding_idx | embed | mean axis=t
MultiheadAttention | embed_dim num_heads>heads dropout bias>bias add_bias_kv!False add_zero_attn!False kdim!None vdim!None batch_first | attn
RNN | input_size hidden_size>n num_layers>layers nonlinearity!tanh bias>bias batch_first dropout bidirectional>dirs | rnn
LSTM | input_size hidden_size>n num_layers>layers bias>bias batch_first dropout bidirectional>dirs proj_size!0 | lstm
GRU | input_size hidden_size>n num_layers>layers bias>bias batch_first dropout bidirectional>dirs | gru
RNNBase RNNCell RNNCellBase LSTMCell GRUCell | | -recurrent
spectral_norm | module>spectral name n_power_iterations eps dim | ?
weight_norm | module>weight name dim!0 | ?
Transformer TransformerEncoder TransformerEncoderLayer TransformerDecoder TransformerDecoderLayer | | -transformer
Unflatten | dim!1 unflattened_size>shape | ?
PixelUnshuffle | downscale_factor | rearrange "(h a) (w b) c -> h w (c a b)" a={downscale_factor} b={downscale_factor}
Unfold Fold | | -patches
ConstantPad1d ConstantPad2d ConstantPad3d | padding>pad0 value!0 | pad
MaxUnpool1d MaxUnpool2d MaxUnpool3d | | -unpool
LPPool1d LPPool2d LPPool3d FractionalMaxPool2d FractionalMaxPool3d | | -pooling
UpsamplingBilinear2d | | -corners
AlphaDropout FeatureAlphaDropout | | -noise
LogSigmoid Softmin Softshrink Hardshrink Softsign Tanhshrink Threshold Hardtanh RReLU | | -activation
Bilinear | | -bilinear
CosineSimilarity PairwiseDistance | | -similarity
AdaptiveLogSoftmaxWithLoss | | -loss
BCELoss BCEWithLogitsLoss CTCLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss HuberLoss KLDivLoss L1Loss LinearCrossEntropyLoss MSELoss MarginRankingLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss NLLLoss2d PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss TripletMarginWithDistanceLoss cross_entropy binary_cross_entropy mse_loss nll_loss l1_loss | | -loss
Sequential ModuleList ModuleDict ParameterList ParameterDict Module Container DataParallel | | -container
interpolate | size!None scale_factor>n mode>mode align_corners!False recompute_scale_factor antialias!False | upsample
layer_norm rms_norm batch_norm instance_norm group_norm local_response_norm linear conv1d conv2d conv3d embedding | | -functional
scaled_dot_product_attention | | -attention
split chunk tensor_split unbind narrow | | -parts
cat | values! dim#channels axis#channels | concat
"""
