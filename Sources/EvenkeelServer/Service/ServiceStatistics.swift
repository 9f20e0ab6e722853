/// What the extension *statistics* of the protocol says of a model.
struct ServiceStatistics: Encodable {
  struct Total: Encodable {
    let count, ns: Int

    init(_ total: ModelMetrics.Total) { (count, ns) = (total.count, total.nanoseconds) }
  }

  struct Times: Encodable {
    let success, fail, queue, compute_input, compute_infer, compute_output: Total
  }

  struct Batch: Encodable {
    let batch_size: Int
    let compute_infer: Total
  }

  struct Model: Encodable {
    let name, version: String
    let last_inference, inference_count, execution_count: Int
    let inference_stats: Times
    let batch_stats: [Batch]
  }

  let model_stats: [Model]

  init(_ model: ServedModel) {
    let values = model.metrics.values
    model_stats = [
      Model(
        name: model.name, version: model.version, last_inference: values.lastRequest, inference_count: values.rows,
        execution_count: values.batches,
        inference_stats: Times(
          success: Total(values.success), fail: Total(values.failure), queue: Total(values.queue),
          compute_input: Total(values.input), compute_infer: Total(values.compute), compute_output: Total(values.output)
        ),
        batch_stats: values.batchSizes.sorted { $0.key < $1.key }.map {
          Batch(batch_size: $0.key, compute_infer: Total($0.value))
        })
    ]
  }
}

/// What the protocol says of a server, and of a model.
struct ServerMetadata: Encodable {
  let name: String
  let version: String
  let extensions: [String]
}

struct ModelMetadata: Encodable {
  let name: String
  let versions: [String]
  let platform: String
  let inputs, outputs: [TensorDescription]

  init(_ model: ServedModel) {
    (name, versions, platform) = (model.name, [model.version], "evenkeel")
    (inputs, outputs) = (model.inputs.descriptions, model.outputs.descriptions)
  }
}

/// What Triton calls a model's configuration: clients ask for it to learn the greatest batch.
struct ModelConfiguration: Encodable {
  struct Tensor: Encodable {
    let name, data_type: String
    let dims: [Int]

    init(_ tensor: TensorDescription) {
      (name, dims) = (tensor.name, Array(tensor.shape.dropFirst()))
      data_type = "TYPE_" + (tensor.datatype == Datatype.bytes.rawValue ? "STRING" : tensor.datatype)
    }
  }

  struct Batching: Encodable {
    let max_queue_delay_microseconds: Int
  }

  let name: String
  let platform: String
  let max_batch_size: Int
  let input, output: [Tensor]
  let dynamic_batching: Batching

  init(_ model: ServedModel, _ options: BatcherOptions) {
    (name, platform, max_batch_size) = (model.name, "evenkeel", options.greatestBatch)
    (input, output) = (model.inputs.descriptions.map(Tensor.init), model.outputs.descriptions.map(Tensor.init))
    dynamic_batching = Batching(max_queue_delay_microseconds: options.delay)
  }
}
