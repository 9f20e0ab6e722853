extension Trainer {
  /// Trains several models of one network apart and returns their mean (`Model.mean`).
  ///
  /// Each has a seed of its own, counted from `seed`, for its start, its batches and the rows that are held back from it; all share
  /// the scaling of the inputs, which follows from all rows.
  ///
  /// ```swift
  /// let (mean, histories) = try trainer.fitMembers(4, of: network, to: training, validation: .share(0.15), epochs: 20)
  /// ```
  /// - Parameters:
  ///   - count: The number of models.
  ///   - network: Ends with a dense layer.
  ///   - dataset: The examples to train on.
  ///   - validation: The same data for all, or a share of `dataset`, another part for each.
  ///   - epochs: The number of passes over the data of each model.
  ///   - shouldStop: As of `fit`.
  ///   - onEvent: As of `fit`, with the number of the model, from 0.
  ///   - onEnd: Called with the history of each model.
  /// - Throws: As `fit`; if one is interrupted, all are lost.
  public func fitMembers(
    _ count: Int, of network: Network, to dataset: Dataset, validation: MemberValidation, epochs: Int,
    shouldStop: () -> Bool = { false }, onEvent: (_ member: Int, Event) throws -> Void = { _, _ in },
    onEnd: (_ member: Int, History) throws -> Void = { _, _ in }
  ) throws -> (model: Model, histories: [History]) {
    guard (1...TableRecipe.mostMembers).contains(count) else {
      throw EvenkeelError.usage("The number of members is \(count); expected 1 to \(TableRecipe.mostMembers).")
    }
    var shared = try Model(network, seed: seed)
    try dataset.requireFit(network.input)
    try describeInputs(of: &shared, by: dataset)
    shared.output = try OutputDescription(
      loss: loss, dataset: dataset, width: shared.outputCount)
    var (models, histories): ([Model], [History]) = ([], [])
    for member in 0..<count {
      var trainer = self
      trainer.seed = seed &+ UInt64(member)
      let (training, held): (Dataset, Dataset?) =
        switch validation {
        case .data(let data): (dataset, data)
        case .share(let share): dataset.split(fraction: share, seed: trainer.seed)
        }
      var model = try Model(network, seed: trainer.seed)
      (model.scaling, model.encoding, model.images, model.output) = (
        shared.scaling, shared.encoding, shared.images, shared.output
      )
      try model.fitLayers(to: training, threads: threads)
      histories.append(
        try trainer.fit(
          &model, to: training, validation: held, epochs: epochs, shouldStop: shouldStop,
          onEvent: { try onEvent(member, $0) }))
      models.append(model)
      try onEnd(member, histories[member])
    }
    return (try Model.mean(of: models), histories)
  }

  /// What each of several models is validated on.
  public enum MemberValidation: Sendable {
    /// A share of the training rows, another part for each model.
    case share(Double)
    /// The same data for all; nil for none.
    case data(Dataset?)
  }
}
