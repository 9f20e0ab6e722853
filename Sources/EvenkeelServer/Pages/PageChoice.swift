import Evenkeel

/// A model that the page offers: one network, or several whose predictions are averaged.
struct PageModel: Sendable {
  let name: String
  let networks: [Model]
}

/// The network that the page shows, and what else it offers.
struct PageChoice {
  /// What the models are called, in the order in which they are offered.
  let names: [String]
  let name: String
  /// Which of the networks of the model it is, from 1, and how many there are.
  let member, members: Int
  let network: Model

  /// What a query asks for: the `model` of that name, or the first; of several networks the `member` of that number, or the first.
  /// - Throws: `ServerFailure` with status 404 that names what there is.
  init(_ query: [String: String], among models: [PageModel]) throws {
    names = models.map(\.name)
    guard let model = query["model"].map({ name in models.first { $0.name == name } }) ?? models.first else {
      throw ServerFailure(404, "There is no model \"\(query["model"] ?? "")\"; expected \(names.alternatives).")
    }
    (name, members) = (model.name, model.networks.count)
    let number = query["member"] ?? "1"
    guard let member = Int(number), 1...members ~= member else {
      throw ServerFailure(404, "Model \"\(name)\" has no member \(number); expected 1 to \(members).")
    }
    self.member = member
    network = model.networks[member - 1]
  }
}
