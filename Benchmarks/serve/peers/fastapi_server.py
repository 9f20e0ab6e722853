"""FastAPI, uvicorn and ONNX Runtime, one worker, one thread: the Open Inference Protocol's infer in as little code as it takes."""
import os

import numpy
import onnxruntime
import orjson
from fastapi import FastAPI, Request, Response

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, ["CPUExecutionProvider"])
app = FastAPI()


@app.get("/v2/health/ready")
async def ready():
    return Response()


@app.post("/v2/models/model/infer")
async def infer(request: Request):
    given = orjson.loads(await request.body())["inputs"][0]
    rows = numpy.array(given["data"], numpy.float32).reshape(given["shape"])
    shares = session.run(["probabilities"], {"input": rows})[0]
    output = {"name": "probabilities", "shape": shares.shape, "datatype": "FP32", "data": shares.ravel()}
    return Response(orjson.dumps({"model_name": "model", "outputs": [output]}, option=orjson.OPT_SERIALIZE_NUMPY),
                    media_type="application/json")
