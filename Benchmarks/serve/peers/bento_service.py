"""BentoML and ONNX Runtime, one worker, one thread; its own form of requests."""
import os

import bentoml
import numpy
import onnxruntime


@bentoml.service(workers=1, traffic={"timeout": 60})
class Model:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options, ["CPUExecutionProvider"])

    @bentoml.api(route="/v2/models/model/infer")
    def infer(self, inputs: list) -> dict:
        given = inputs[0]
        rows = numpy.array(given["data"], numpy.float32).reshape(given["shape"])
        shares = self.session.run(["probabilities"], {"input": rows})[0]
        return {"outputs": [{"name": "probabilities", "shape": shares.shape, "data": shares.ravel().tolist()}]}
