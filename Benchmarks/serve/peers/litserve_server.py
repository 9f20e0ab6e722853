"""LitServe and ONNX Runtime, one worker, one thread."""
import os

import litserve
import numpy
import onnxruntime


class Model(litserve.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options, ["CPUExecutionProvider"])

    def decode_request(self, request):
        given = request["inputs"][0]
        return numpy.array(given["data"], numpy.float32).reshape(given["shape"])

    def predict(self, rows):
        return self.session.run(["probabilities"], {"input": rows})[0]

    def encode_response(self, shares):
        return {"outputs": [{"name": "probabilities", "shape": shares.shape, "datatype": "FP32", "data": shares.ravel().tolist()}]}


if __name__ == "__main__":
    api = Model(api_path="/v2/models/model/infer")
    litserve.LitServer(api, accelerator="cpu", workers_per_device=1, timeout=60).run(
        host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="error")
