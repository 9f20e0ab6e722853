/// What a model says of a tensor that it takes or gives.
package struct TensorDescription: Hashable, Encodable, Sendable {
  package let name: String
  package let datatype: String
  /// −1 for the number of rows.
  package let shape: [Int]

  init(_ name: String, _ datatype: Datatype, _ shape: [Int]) {
    (self.name, self.datatype, self.shape) = (name, datatype.rawValue, shape)
  }
}
