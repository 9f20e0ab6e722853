import Evenkeel

extension InferenceService {
  /// What has happened, in Prometheus's text format.
  var prometheusText: String {
    var text = PrometheusText()
    let models = models.map { (model: $0, values: $0.metrics.values) }
    func labels(_ model: ServedModel) -> PrometheusText.Labels { ["model": model.name, "version": model.version] }
    func each(
      _ name: String, _ kind: PrometheusText.Kind, _ help: String,
      _ value: (ModelMetrics.Values) -> some CustomStringConvertible
    ) {
      text.begin(name, kind, help)
      for (model, values) in models { text.add(name, labels(model), value(values)) }
    }
    func each(_ name: String, _ help: String, _ histogram: (ModelMetrics.Values) -> Histogram) {
      text.begin(name, .histogram, help)
      for (model, values) in models { text.add(name, labels(model), histogram(values)) }
    }
    each("evenkeel_request_success_total", .counter, "Requests that were answered.") { $0.success.count }
    text.begin("evenkeel_request_failure_total", .counter, "Requests that were not answered as asked, by reason.")
    for (model, values) in models {
      for (reason, count) in values.failures.sorted(by: { $0.key < $1.key }) {
        text.add(
          "evenkeel_request_failure_total", ["model": model.name, "version": model.version, "reason": reason], count)
      }
    }
    each("evenkeel_inference_count_total", .counter, "Rows that were predicted.") { $0.rows }
    each("evenkeel_exec_count_total", .counter, "Batches of rows that were predicted.") { $0.batches }
    each("evenkeel_request_duration_seconds", "Time from a request's last byte to its answer.") { $0.requestSeconds }
    each("evenkeel_queue_duration_seconds", "Time until a thread takes a request's first row.") { $0.queueSeconds }
    each("evenkeel_compute_duration_seconds", "Time in the network, all rows of a request together.") {
      $0.computeSeconds
    }
    each("evenkeel_batch_rows", "Rows that a thread takes at once.") { $0.batchRows }
    text.begin("evenkeel_pending_rows", .gauge, "Rows that no thread has taken.")
    for (model, _) in models { text.add("evenkeel_pending_rows", labels(model), model.batcher.pendingRows) }
    addShifts(&text)
    let usage = ProcessUsage()
    text.begin("process_resident_memory_bytes", .gauge, "Memory of the process.")
    text.add("process_resident_memory_bytes", [:], usage.residentBytes)
    text.begin("process_cpu_seconds_total", .counter, "Processor time of the process.")
    text.add("process_cpu_seconds_total", [:], usage.processorSeconds)
    text.begin("evenkeel_build_info", .gauge, "The version of Evenkeel.")
    text.add("evenkeel_build_info", ["version": Release.version], 1)
    return text.text
  }

  private func addShifts(_ text: inout PrometheusText) {
    let shifts = models.compactMap { model in model.shift?.shift.map { (model, model.shift!.layer, $0) } }
    func each(_ name: String, _ help: String, _ value: (StatisticsShift) -> Double) {
      text.begin(name, .gauge, help)
      for (model, layer, shift) in shifts {
        text.add(name, ["model": model.name, "version": model.version, "layer": layer], value(shift))
      }
    }
    each(
      "evenkeel_norm_input_shift",
      "Distance of the inputs of a batch norm from its running means, in deviations; root of the mean square over features."
    ) { $0.meanShift }
    each("evenkeel_norm_input_largest_shift", "The same of the feature that has moved most.") { $0.largestMeanShift }
    each(
      "evenkeel_norm_input_variance_ratio",
      "Variance of the inputs of a batch norm over its running variance; geometric mean over features."
    ) { $0.varianceRatio }
  }
}
