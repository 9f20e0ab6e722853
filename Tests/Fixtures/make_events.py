"""Makes Tests/Fixtures/events.json: events of TensorBoard as its own writer frames them, and the messages in protobuf's own encoding.

Run with tensorboard 2.21: python3 Tests/Fixtures/make_events.py
"""
import io
import os

os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"  # Fields in the order of their numbers.

import google.protobuf
import numpy
import tensorboard
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from fixtures import write

TIME = 1764195000.25


class Pipe(io.BytesIO):
    def close(self):
        pass


def record(event):
    """The bytes of a file with this one event."""
    file = Pipe()
    RecordWriter(file).write(event.SerializeToString(deterministic=True))
    return file.getvalue().hex()


def scalars():
    summary = summary_pb2.Summary(value=[
        summary_pb2.Summary.Value(tag="loss", simple_value=0.6931471805599453),
        summary_pb2.Summary.Value(tag="größe", simple_value=-3e-8)])
    return event_pb2.Event(wall_time=TIME, step=300, summary=summary)


def text():
    words = "`evenkeel train digits`"
    tensor = tensor_pb2.TensorProto(
        dtype=7, string_val=[words.encode()],
        tensor_shape=tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)]))
    metadata = summary_pb2.SummaryMetadata(plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text"))
    value = summary_pb2.Summary.Value(tag="command/text_summary", tensor=tensor, metadata=metadata)
    return event_pb2.Event(wall_time=TIME, step=1 << 40, summary=summary_pb2.Summary(value=[value]))


def histogram():
    """Of the values below, by their definition: limits are halves of the largest magnitude, on both sides of 0."""
    values = [-8.0, -4.0, -3.5, -1e-9, 0.0, 0.25, 0.26, 1.0, 6.5]
    limits = [-8.0 / 2**k for k in range(1, 15)] + [0.0] + [8.0 / 2**k for k in range(14, -1, -1)]
    counts = [0.0] * len(limits)
    for value in values:
        value = float(numpy.float32(value))
        counts[next(place for place, limit in enumerate(limits) if value <= limit)] += 1
    exact = [float(numpy.float32(value)) for value in values]
    total, squares = 0.0, 0.0
    for value in exact:
        total += value
        squares += value * value
    histo = summary_pb2.HistogramProto(
        min=min(exact), max=max(exact), num=len(values), sum=total, sum_squares=squares, bucket_limit=limits,
        bucket=counts)
    value = summary_pb2.Summary.Value(tag="0.weight", histo=histo)
    return values, event_pb2.Event(wall_time=TIME, step=7, summary=summary_pb2.Summary(value=[value]))


values, event = histogram()
write("events.json", __file__, f"tensorboard {tensorboard.__version__} and protobuf {google.protobuf.__version__}", {
    "time": TIME, "scalars": record(scalars()), "text": record(text()), "histogramValues": values,
    "histogram": record(event)})
