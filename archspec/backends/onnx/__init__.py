"""ONNX: a graph of standard operators, written without PyTorch."""
