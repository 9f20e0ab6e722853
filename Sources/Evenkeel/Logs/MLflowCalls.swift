// What MLflow is asked and answers, by its names.

/// A value at a step.
struct MLflowMetric: Codable, Sendable {
  let key: String
  let value: Double
  /// Milliseconds since 1970.
  let timestamp: Int
  let step: Int

  init(_ key: String, _ value: Double, step: Int) {
    (self.key, self.value, self.step) = (key, value, step)
    timestamp = Int(secondsSince1970() * 1000)
  }
}

struct MLflowPair: Encodable, Sendable {
  let key, value: String

  /// The value is cut to the length that every version of MLflow takes.
  init(_ key: String, _ value: String, most: Int) { (self.key, self.value) = (key, String(value.prefix(most))) }
}

struct MLflowExperiment: Decodable {
  struct Content: Decodable {
    let experiment_id: String
  }
  let experiment: Content
}

struct MLflowNewExperiment: Encodable {
  let name: String

  struct Answer: Decodable {
    let experiment_id: String
  }
}

struct MLflowNewRun: Encodable {
  let experiment_id: String
  let start_time: Int
  let tags: [MLflowPair]

  struct Answer: Decodable {
    let run: MLflowFoundRun
  }
}

struct MLflowFoundRun: Decodable {
  struct Info: Decodable {
    let run_id: String
  }
  struct Content: Decodable {
    /// The last value of each.
    let metrics: [Last]?
  }
  struct Last: Decodable {
    let key: String
    let step: Int?
  }
  let info: Info
  let data: Content?
}

struct MLflowSearch: Encodable {
  let experiment_ids: [String]
  let filter: String
  let max_results = 1
  let order_by = ["attributes.start_time DESC"]

  struct Answer: Decodable {
    let runs: [MLflowFoundRun]?
  }
}

struct MLflowBatch: Encodable {
  let run_id: String
  var metrics: [MLflowMetric] = []
  var params: [MLflowPair] = []

  /// The most metrics of a batch.
  static let most = 1000
}

struct MLflowUpdate: Encodable {
  let run_id, status: String
  let end_time: Int?
}

/// Why something was refused.
struct MLflowRefusal: Decodable {
  let message: String
}

/// An answer in which nothing is looked for.
struct MLflowNothing: Decodable {}
