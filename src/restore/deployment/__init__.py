"""Networks taken elsewhere: ONNX files, what runs them, and web pages that hold one."""
