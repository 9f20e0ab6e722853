import Evenkeel

/// The loss over a square grid in a plane through a point: f(x, y) = L(w + x u + y v).
public struct LossContour: Sendable {
  /// Coordinates along u and v, in units of their lengths.
  public let coordinates: [Double]
  /// `losses[j][i]` is f(coordinates[i], coordinates[j]); infinite where it is not finite.
  public let losses: [[Double]]
  /// The meaning of one unit, for axes.
  public let unit: String
}

extension LossSurface {
  /// The loss around `point` in the plane of `u` and `v`, up to `extent` of their lengths in all four directions.
  /// - Parameters:
  ///   - point: Values of all parameters.
  ///   - u: The first direction, as long as `point`.
  ///   - v: The second direction, as long as `point`.
  ///   - extent: How far the grid reaches, in lengths of `u` and `v`; above 0.
  ///   - resolution: Points along a side, an odd number so that the middle is `point`.
  ///   - unit: The meaning of the length of `u` and `v`.
  public func contour(
    around point: [Float], _ u: [Float], _ v: [Float], extent: Double, resolution: Int = 25,
    unit: String = "distance in parameter space"
  ) throws -> LossContour {
    precondition(resolution > 2 && resolution % 2 == 1 && extent > 0)
    let half = resolution / 2
    let coordinates = (-half...half).map { extent * Double($0) / Double(half) }
    let losses = try coordinates.map { y in
      let row = Vectors.moved(point, y, v)
      return try coordinates.map { x in
        do { return try loss(at: Vectors.moved(row, x, u)) } catch let error as EvenkeelError where error.code == .data
        {
          return .infinity
        }
      }
    }
    return LossContour(coordinates: coordinates, losses: losses, unit: unit)
  }

  /// The loss in the plane of the Hessian's two leading eigenvectors, both axes in distance in parameter space, so that round
  /// contours look round. Up to where the quadratic model along the second direction has risen by `rise`:
  /// r = √(2 · rise / λ₂).
  /// - Parameters:
  ///   - point: Values of all parameters.
  ///   - spectrum: That of the Hessian at `point`, with two pairs or more at the upper end.
  ///   - rise: The loss at the point by default, at least 0.01.
  ///   - resolution: Points along a side, an odd number.
  /// - Throws: `EvenkeelError` with code `data` if the two eigenvalues are not both above 0.
  public func contour(
    around point: [Float], _ spectrum: Spectrum, rise: Double? = nil, resolution: Int = 25
  ) throws -> LossContour {
    guard spectrum.largest.count > 1, spectrum.largest[1].value > 0 else {
      throw EvenkeelError.data(
        "The loss does not curve upwards in two directions at this point; there are no contours to draw.")
    }
    let rise = try max(rise ?? loss(at: point), 0.01)
    return try contour(
      around: point, spectrum.largest[0].vector, spectrum.largest[1].vector,
      extent: (2 * rise / spectrum.largest[1].value).squareRoot(), resolution: resolution)
  }

  /// `direction` with each filter (the weights of one output unit or channel) scaled to the norm of the same filter of
  /// `point`, and with biases, scales and shifts at 0 (Li et al. 2018): planes of such directions may be compared between
  /// networks whose weights have other sizes.
  public func filterNormalized(_ direction: [Float], at point: [Float]) -> [Float] {
    var result = [Float](repeating: 0, count: count)
    for entry in layout.entries where entry.description.role == .weight {
      let length = entry.count / entry.description.shape.dimensions[0]
      for start in stride(from: entry.offset, to: entry.offset + entry.count, by: length) {
        let filter = start..<start + length
        result.replaceSubrange(
          filter, with: Vectors.scaled(Array(direction[filter]), to: Vectors.norm(Array(point[filter]))))
      }
    }
    return result
  }
}
