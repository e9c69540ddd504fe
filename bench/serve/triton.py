"""The measured network in Triton's Python backend: onnxruntime runs the file that gradus export wrote."""

import json
import os
import sys

sys.path.insert(0, os.environ["TRITON_SITE_PACKAGES"])  # the backend's process does not look there

import numpy as np
import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    def initialize(self, args):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(json.loads(args["model_config"])["parameters"]["onnx"]["string_value"], options)
        self.names = [i.name for i in self.session.get_inputs()]

    def execute(self, requests):
        answers = []
        for request in requests:
            rows = triton.get_input_tensor_by_name(request, "rows").as_numpy()
            y = self.session.run(["variable"], {n: rows[:, i : i + 1] for i, n in enumerate(self.names)})[0]
            answers.append(triton.InferenceResponse([triton.Tensor("variable", y)]))
        return answers
