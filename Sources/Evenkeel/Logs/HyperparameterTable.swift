/// A run's row in TensorBoard's table of hyperparameters: its settings, and the series whose last value is shown beside
/// them.
package struct HyperparameterTable {
  let settings: [(name: String, value: RunSetting)]
  let metrics: [Metric]

  /// A series: the run below the row's own in which it is (empty for its own), and the tag.
  package struct Metric {
    let run, tag: String

    package init(run: String = "", tag: String) { (self.run, self.tag) = (run, tag) }
  }

  package init(settings: [(name: String, value: RunSetting)], metrics: [Metric]) {
    (self.settings, self.metrics) = (settings.map { (tag($0.name), $0.value) }, metrics)
  }

  package struct Part {
    let tag: String
    let content: ProtobufMessage

    /// - Parameter field: Of `HParamsPluginData`, whose version is 0.
    init(_ tag: String, field: UInt64, _ fill: (inout ProtobufMessage) -> Void) {
      self.tag = "_hparams_/" + tag
      var content = ProtobufMessage()
      content.add(field, fill)
      self.content = content
    }
  }

  /// The columns of the table.
  package func columns(time: Double) -> Part {
    Part("experiment", field: 2) { experiment in
      experiment.add(3, time)
      for (name, value) in settings {
        experiment.add(4) { column in
          column.add(1, name)
          if case .text = value { column.add(4, integer: 1) } else { column.add(4, integer: 3) }
        }
      }
      for metric in metrics {
        experiment.add(5) { column in
          column.add(1) { name in
            name.add(1, metric.run)
            name.add(2, metric.tag)
          }
        }
      }
    }
  }

  /// The settings of the row.
  package func row(time: Double) -> Part {
    Part("session_start_info", field: 3) { session in
      for (name, value) in settings {
        session.add(1) { entry in
          entry.add(1, name)
          entry.add(2) { content in
            switch value {
            case .number(let number): content.add(2, number)
            case .count(let count): content.add(2, Double(count))
            case .text(let text): content.add(3, text)
            }
          }
        }
      }
      session.add(5, time)
    }
  }

  /// How the row's run ended.
  package static func end(success: Bool, time: Double) -> Part {
    Part("session_end_info", field: 4) { session in
      session.add(1, integer: success ? 1 : 2)
      session.add(2, time)
    }
  }
}

/// `learningRate` as tags and settings are written in TensorBoard: `learning_rate`.
func tag(_ name: String) -> String {
  var result = ""
  for letter in name {
    if letter.isUppercase, result.last?.isLowercase == true { result += "_" }
    result += letter == "-" ? "_" : letter.lowercased()
  }
  return result
}
