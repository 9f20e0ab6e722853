import Evenkeel

/// The ends of a symmetric operator's spectrum, by Lanczos' method with full reorthogonalization, and an estimate of
/// the rest.
///
/// From a random start q₁ each step multiplies once and gives one row of a tridiagonal T = Qᵀ H Q, whose eigenvalues (Ritz
/// values) approach those of H from both ends first (Golub and Van Loan, §10.1). Their weights, the squares of the first
/// components of T's eigenvectors, estimate how densely eigenvalues lie (stochastic Lanczos quadrature: Ghorbani et al. 2019,
/// here from one start; for many parameters one is close to the mean).
public struct Spectrum: Sendable {
  /// An eigenvalue with its vector.
  public struct Pair: Sendable {
    /// λ.
    public let value: Double
    /// v, of length 1.
    public let vector: [Float]
    /// ‖H v − λ v‖, computed from T: an eigenvalue lies within this distance of λ.
    public let residual: Double
  }

  /// The largest eigenvalues, largest first.
  public let largest: [Pair]
  /// The smallest (most negative) eigenvalues, smallest first.
  public let smallest: [Pair]
  /// The number of products.
  public let steps: Int
  /// Whether the residual of every pair is within the tolerance.
  public let hasConverged: Bool
  /// Ritz values in rising order with weights that sum to 1: the share of eigenvalues near them.
  public let density: [(value: Double, weight: Double)]

  /// λ₁ / λ₂ of the two largest eigenvalues, the squared ratio of the axes of the loss's contours over their plane; 1 is
  /// round. Not a number if λ₂ is not above 0.
  public var leadingRatio: Double {
    guard largest.count > 1, largest[1].value > 0 else { return .nan }
    return largest[0].value / largest[1].value
  }

  /// max |λ| / |λ|_q, where a share `quantile` of all eigenvalues has a smaller magnitude than |λ|_q: how much steeper the
  /// steepest direction is than one that is steeper than most. (max over min is of no use here: directions along which the
  /// loss does not change at all make it infinite.) It is an estimate from `density`; infinite where |λ|_q is 0.
  public func condition(quantile: Double = 0.9) -> Double {
    var below = 0.0
    let magnitudes = density.map { (abs($0.value), $0.weight) }.sorted { $0.0 < $1.0 }
    let typical = magnitudes.first {
      below += $0.1
      return below >= quantile
    }
    guard let largest = magnitudes.last?.0, largest > 0 else { return .nan }
    return largest / (typical?.0 ?? largest)
  }

  /// √(tr H² / n), the root mean square of all eigenvalues: an unbiased estimate of its square.
  public var rootMeanSquare: Double {
    density.reduce(0) { $0 + $1.weight * $1.value * $1.value }.squareRoot()
  }

  /// The spectrum of the symmetric operator that `product` applies.
  /// - Parameters:
  ///   - product: Gives the operator's product with a vector.
  ///   - start: A random vector from the space in which `product` works; not 0.
  ///   - dimension: Of that space.
  ///   - leading: Pairs that are wanted at the upper end.
  ///   - trailing: Pairs that are wanted at the lower end.
  ///   - maximumSteps: The most products.
  ///   - tolerance: A pair has converged when its residual is below `tolerance` · max |λ|. Float products reach about 10⁻⁶.
  public init(
    start: [Float], dimension: Int, leading: Int = 2, trailing: Int = 1, maximumSteps: Int = 80,
    tolerance: Double = 1e-3, product: ([Float]) throws -> [Float]
  ) throws {
    precondition(leading >= 0 && trailing >= 0 && maximumSteps > 0 && dimension > 0)
    let most = min(maximumSteps, dimension)
    var basis = [Vectors.scaled(start, to: 1)]
    var (diagonal, beside): ([Double], [Double]) = ([], [])
    var eigen = TridiagonalEigen(diagonal: [], beside: [])
    var (last, converged) = (0.0, false)
    while true {
      var next = try product(basis[basis.count - 1])
      diagonal.append(Vectors.dot(next, basis[basis.count - 1]))
      // Twice is enough (Parlett): removes the components along the existing directions.
      for _ in 0..<2 { for q in basis { Vectors.add(-Vectors.dot(next, q), q, to: &next) } }
      last = Vectors.norm(next)
      let size = max(diagonal.map { abs($0) }.max()!, beside.max() ?? 0, last)
      let isClosed = last <= 1e-6 * size
      let isLast = diagonal.count == most || isClosed
      if isLast || diagonal.count % 4 == 0 {
        eigen = TridiagonalEigen(diagonal: diagonal, beside: beside)
        let allowed = tolerance * max(abs(eigen.values[0]), abs(eigen.values[eigen.values.count - 1]))
        let wanted = eigen.values.indices.prefix(trailing) + eigen.values.indices.suffix(leading)
        converged =
          eigen.values.count >= min(leading + trailing, dimension)
          && wanted.allSatisfy { last * abs(eigen.vectors[$0].last!) <= allowed }
        if isLast || converged { break }
      }
      beside.append(last)
      basis.append(Vectors.scaled(next, to: 1))
    }
    steps = diagonal.count
    hasConverged = converged
    density = zip(eigen.values, eigen.vectors).map { ($0, $1[0] * $1[0]) }
    func pair(_ index: Int) -> Pair {
      var vector = [Float](repeating: 0, count: start.count)
      for (q, weight) in zip(basis, eigen.vectors[index]) { Vectors.add(weight, q, to: &vector) }
      return Pair(value: eigen.values[index], vector: vector, residual: last * abs(eigen.vectors[index].last!))
    }
    largest = eigen.values.indices.suffix(leading).reversed().map(pair)
    smallest = eigen.values.indices.prefix(trailing).map(pair)
  }
}

extension Hessian {
  /// The ends of the Hessian's spectrum, restricted to `selection`, from a random start that follows from `seed`.
  public func spectrum(
    leading: Int = 2, trailing: Int = 1, maximumSteps: Int = 80, tolerance: Double = 1e-3, seed: UInt64 = 0
  ) throws -> Spectrum {
    var random = RandomNumbers(RandomKey(seed: seed))
    var start = [Float](repeating: 0, count: surface.count)
    for range in selection { for index in range { start[index] = Float(random.normal()) } }
    return try Spectrum(
      start: start, dimension: dimension, leading: leading, trailing: trailing, maximumSteps: maximumSteps,
      tolerance: tolerance, product: times)
  }
}
