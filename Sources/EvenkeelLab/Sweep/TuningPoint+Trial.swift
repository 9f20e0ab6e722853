import Evenkeel

extension TuningPoint {
  /// The network for `data`, made as `train` makes it of these settings.
  package func network(for data: LaboratoryData) throws -> Network {
    let description = data.description
    let network =
      if let recipe = data.recipe {
        try applied(to: recipe).network(for: data.training, outputs: description.outputs)
      } else {
        Network.multilayer(
          input: description.input.count, hidden: hidden, outputs: description.outputs,
          normalization: norm == .afterActivation ? .afterActivation : .beforeActivation, dropout: dropout)
      }
    return norm == .afterActivation ? network : try network.normalized(by: Normalization(named: norm.rawValue))
  }

  /// `recipe` with these settings, for one network.
  private func applied(to recipe: TableRecipe) -> TableRecipe {
    var recipe = recipe
    (recipe.learningRate, recipe.weightDecay, recipe.batchSize) = (learningRate, weightDecay, batchSize)
    (recipe.hidden, recipe.dropout, recipe.members) = (hidden, dropout, 1)
    if let numbers {
      (recipe.numbers, recipe.embedding, recipe.bins) = (numbers.transform, numbers.embedding, numbers.bins)
    }
    return recipe
  }

  /// The trial of so many passes over the data, judged on the validation examples: after the last one, or, for a table, after the best.
  package func trial(epochs: Int, on data: LaboratoryData, metric: Metric?) throws -> Trial {
    let batches = (data.description.trainingCount - 1) / batchSize + 1
    var trial = Trial(
      network: try network(for: data), data: data.description.fingerprint, evaluatedOn: .validation, metric: metric,
      method: .adamW, learningRate: learningRate, weightDecay: weightDecay, batchSize: batchSize,
      steps: epochs * batches, evaluations: 1, seed: 0)
    trial.table = data.recipe.map { TableTraining(applied(to: $0), epochs: epochs) }
    return trial
  }

  /// The options of `train` that make this trial, apart from DATA and its columns.
  package func options(epochs: Int, on data: LaboratoryData, metric: Metric?) -> [String] {
    guard let numbers else { return ["--validation", "\(LaboratoryData.validationShare)"] + plainOptions(epochs) }
    let validation = data.isHeldBack ? [] : ["--validation", "\(LaboratoryData.validationShare)"]
    return ["--members", "1"] + validation + tableOptions(numbers, epochs, metric)
  }

  /// The options of `train` that average so many networks of a table as it does by default, each with other rows held back; nil where
  /// that is one.
  package func averagedOptions(epochs: Int, on data: LaboratoryData, metric: Metric?) -> [String]? {
    guard let numbers, let recipe = data.recipe, recipe.members > 1 else { return nil }
    return tableOptions(numbers, epochs, metric)
  }

  private func plainOptions(_ epochs: Int) -> [String] {
    [
      "--hidden", hidden.map(String.init).joined(separator: ","), "--activation", "relu",
      "--normalization", norm.rawValue, "--dropout", "\(dropout)", "--optimizer", "adamw",
      "--learning-rate", "\(learningRate)", "--weight-decay", "\(weightDecay)", "--schedule", "constant",
      "--batch-size", "\(batchSize)", "--epochs", "\(epochs)", "--seed", "0",
    ]
  }

  private func tableOptions(_ numbers: Numbers, _ epochs: Int, _ metric: Metric?) -> [String] {
    var options = ["--numeric", numbers.transform.rawValue, "--embedding", numbers.embedding.rawValue]
    if numbers.embedding == .piecewise { options += ["--bins", "\(numbers.bins)"] }
    options += [
      "--hidden", hidden.map(String.init).joined(separator: ","), "--normalization", norm.rawValue,
      "--dropout", "\(dropout)", "--learning-rate", "\(learningRate)", "--weight-decay", "\(weightDecay)",
      "--batch-size", "\(batchSize)", "--epochs", "\(epochs)",
    ]
    return options + (metric.map { ["--metric", $0.rawValue] } ?? [])
  }
}
