/// How the columns of a table become features; fitted on training rows alone.
public struct TableEncoding: Hashable, Codable, Sendable {
  public let featureNames: [String]
}
