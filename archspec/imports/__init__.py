"""Networks that exist elsewhere, read back as short specs.

flat        the network that a reader builds, and what it could not say
imported    what an import gives
carrying    the source's numbers, under the network's names
sources     the kinds of files that are read, a line each
opening     opens a file by its kind: from_file, load
darknet     Darknet's .cfg, with darknet_rows and darknet_parts, a row per layer, and darknet_weights
caffe       Caffe's .prototxt, with prototxt, caffe_net, caffe_names, caffe_rows, caffe_parts and caffe_weights
"""
