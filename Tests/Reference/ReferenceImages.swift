import Evenkeel

/// Windows along one axis, from PyTorch's formula.
package struct ReferenceAxis {
  package let extent, kernel, stride, dilation, before, output: Int

  package init(_ extent: Int, kernel: Int, stride: Int, dilation: Int = 1, padding: Padding, isHeight: Bool) {
    let span = (kernel - 1) * dilation + 1
    let (before, after) =
      switch padding {
      case .same: ((span - 1) / 2, span / 2)
      case .valid: (0, 0)
      case .each(let count): (count, count)
      case .sides(let top, let bottom, let left, let right): isHeight ? (top, bottom) : (left, right)
      }
    self.extent = extent
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.before = before
    output = (extent + before + after - span) / stride + 1
  }

  /// The input position under point `k` of window `o`; nil in the padding.
  package func input(_ o: Int, _ k: Int) -> Int? {
    let position = o * stride + k * dilation - before
    return (0..<extent).contains(position) ? position : nil
  }
}

/// Every pair of an output pixel and an input pixel under its window.
package struct ReferenceWindows {
  package let height, width: ReferenceAxis

  /// Windows over an image, or over a sequence as an image of height 1.
  package init(_ shape: Shape, kernel: Extent, stride: Extent, dilation: Extent = 1, padding: Padding) {
    width = ReferenceAxis(
      shape.dimensions[shape.rank - 2], kernel: kernel.width, stride: stride.width, dilation: dilation.width,
      padding: padding, isHeight: false)
    height =
      shape.rank == 2
      ? ReferenceAxis(1, kernel: 1, stride: 1, padding: .valid, isHeight: true)
      : ReferenceAxis(
        shape.dimensions[0], kernel: kernel.height, stride: stride.height, dilation: dilation.height,
        padding: padding, isHeight: true)
  }

  package var outputs: Int { height.output * width.output }
  package var inputs: Int { height.extent * width.extent }
  package var taps: Int { height.kernel * width.kernel }

  package func forEach(_ body: (_ output: Int, _ input: Int, _ tap: Int) -> Void) {
    for oy in 0..<height.output {
      for ox in 0..<width.output {
        for ky in 0..<height.kernel {
          for kx in 0..<width.kernel {
            guard let iy = height.input(oy, ky), let ix = width.input(ox, kx) else { continue }
            body(oy * width.output + ox, iy * width.extent + ix, ky * width.kernel + kx)
          }
        }
      }
    }
  }
}

/// y = Σ over the window and the channels of the group of x · W, + b.
package final class ReferenceConvolution: ReferenceLayer {
  private let name: String
  private let windows: ReferenceWindows
  private let channels, filters, groups: Int
  private var x = Matrix(0, 0, [Bounded]())

  package init(
    _ name: String, _ windows: ReferenceWindows, channels: Int, filters: Int, groups: Int, weight: [Bounded],
    bias: [Bounded]?
  ) {
    self.name = name
    self.windows = windows
    self.channels = channels
    self.filters = filters
    self.groups = groups
    super.init()
    parameters[name + ".weight"] = weight
    parameters[name + ".bias"] = bias
  }

  /// Calls `body` with the positions of every product x · W of one example that goes into y.
  private func forEachProduct(_ body: (_ y: Int, _ x: Int, _ weight: Int) -> Void) {
    let (inputs, outputs) = (channels / groups, filters / groups)
    windows.forEach { output, input, tap in
      for filter in 0..<filters {
        let first = filter / outputs * inputs
        for channel in 0..<inputs {
          body(
            output * filters + filter, input * channels + first + channel,
            (filter * inputs + channel) * windows.taps + tap)
        }
      }
    }
  }

  package override func forward(_ x: Matrix, training: Bool) -> Matrix {
    self.x = x
    let weight = parameters[name + ".weight"]!
    let length = windows.outputs * filters
    var sums = Sums(x.rows * length)
    for row in 0..<x.rows {
      forEachProduct { sums.add(x.values[row * x.columns + $1] * weight[$2], at: row * length + $0) }
    }
    var y = usesWinograd ? sums.valuesByWinograd : sums.values
    if let bias = parameters[name + ".bias"] {
      for at in y.indices { y[at] = y[at] + bias[at % filters] }
    }
    return Matrix(x.rows, length, y)
  }

  package override func backward(_ dy: Matrix) -> Matrix {
    let weight = parameters[name + ".weight"]!
    var dx = Sums(x.values.count)
    var dweight = Sums(weight.count)
    var dbias = Sums(filters)
    for row in 0..<x.rows {
      forEachProduct { y, input, w in
        let gradient = dy.values[row * dy.columns + y]
        dx.add(gradient * weight[w], at: row * x.columns + input)
        dweight.add(gradient * x.values[row * x.columns + input], at: w)
      }
    }
    for (at, gradient) in dy.values.enumerated() { dbias.add(gradient, at: at % filters) }
    gradients[name + ".weight"] = usesWinograd ? dweight.valuesByWinograd : dweight.values
    if parameters[name + ".bias"] != nil { gradients[name + ".bias"] = dbias.values }
    return Matrix(x.rows, x.columns, usesWinograd ? dx.valuesByWinograd : dx.values)
  }

  /// Whether the engine may use Winograd's algorithm.
  private var usesWinograd: Bool {
    [windows.height, windows.width].allSatisfy { $0.kernel == 3 && $0.stride == 1 && $0.dilation == 1 } && groups == 1
      && channels % 16 == 0 && filters % 16 == 0
  }
}

/// Sums whose terms come one by one, each partial sum rounded to Float.
///
/// Other orders have other partial sums of about the same size, also where terms that lie side by side are alike and partial
/// sums grow faster than a random walk.
private struct Sums {
  private var sums: [Bounded]

  init(_ count: Int) { sums = Array(repeating: Bounded(0.0), count: count) }

  mutating func add(_ term: Bounded, at index: Int) { sums[index] = sums[index] + term }

  /// What the terms have in common, such as a rounded factor, is a relative error of the whole.
  var values: [Bounded] { sums.map { $0.rounded(4) } }

  /// The same as sums of transformed tiles. Their rounding is that of all sums of a tile, times the roots of the sums of squares
  /// of the transforms' rows: by 4.9² on the way out and 3² on the way in.
  var valuesByWinograd: [Bounded] {
    let meanSquare = sums.reduce(0) { $0 + $1.value * $1.value } / Double(sums.count)
    let rounding = Bounded(0, error: 4.9 * 4.9 * 3 * 3 * Bounded.u * meanSquare.squareRoot())
    return values.map { Bounded($0.value, variance: $0.variance + rounding.variance) }
  }
}

/// The largest value of each window, or their mean with zeros for the padding.
package final class ReferencePool: ReferenceLayer {
  private let windows: ReferenceWindows
  private let channels: Int
  private let isMean: Bool
  /// The place of the largest value for each output.
  private var largest: [Int] = []

  package init(_ windows: ReferenceWindows, channels: Int, isMean: Bool) {
    self.windows = windows
    self.channels = channels
    self.isMean = isMean
  }

  private var outputLength: Int { windows.outputs * channels }
  private var inputLength: Int { windows.inputs * channels }

  package override func forward(_ x: Matrix, training: Bool) -> Matrix {
    let count = x.rows * outputLength
    var sums = Sums(count)
    largest = Array(repeating: -1, count: count)
    for row in 0..<x.rows {
      windows.forEach { output, input, _ in
        for channel in 0..<channels {
          let to = row * outputLength + output * channels + channel
          let from = row * inputLength + input * channels + channel
          sums.add(x.values[from], at: to)
          if largest[to] < 0 || x.values[from].value > x.values[largest[to]].value { largest[to] = from }
        }
      }
    }
    let y =
      isMean
      ? sums.values.map { $0 * Bounded(rounded: 1 / Double(windows.taps)) } : largest.map { x.values[$0] }
    return Matrix(x.rows, outputLength, y)
  }

  package override func backward(_ dy: Matrix) -> Matrix {
    var dx = Sums(dy.rows * inputLength)
    if isMean {
      for row in 0..<dy.rows {
        windows.forEach { output, input, _ in
          for channel in 0..<channels {
            let gradient = dy.values[row * outputLength + output * channels + channel]
            let share = gradient * Bounded(rounded: 1 / Double(windows.taps))
            // All of the window get the same number: sums over them do not average its error out.
            dx.add(
              Bounded(share.value, variance: share.variance * Double(windows.taps)),
              at: row * inputLength + input * channels + channel)
          }
        }
      }
    } else {
      for (at, gradient) in dy.values.enumerated() { dx.add(gradient, at: largest[at]) }
    }
    return Matrix(dy.rows, inputLength, dx.values)
  }
}

/// [positions, channels] to [channels, positions], example by example.
package final class ReferenceTranspose: ReferenceLayer {
  private let channels: Int
  package init(channels: Int) { self.channels = channels }

  private func transposed(_ x: Matrix, columns: Int) -> Matrix {
    let values = (0..<x.rows).flatMap { row in
      Matrix(x.columns / columns, columns, Array(x.values[row * x.columns..<(row + 1) * x.columns])).transposed.values
    }
    return Matrix(x.rows, x.columns, values)
  }

  package override func forward(_ x: Matrix, training: Bool) -> Matrix { transposed(x, columns: channels) }
  package override func backward(_ dy: Matrix) -> Matrix { transposed(dy, columns: dy.columns / channels) }
}

/// The reference of a layer over images or sequences; nil for other layers.
package func referenceImageLayer(
  _ layer: any Layer, _ name: String, input: Shape, weight: [Bounded]?, bias: [Bounded]?
) -> ReferenceLayer? {
  let channels = input.featureCount
  switch layer {
  case let c as Convolution:
    return ReferenceConvolution(
      name, ReferenceWindows(input, kernel: c.kernel, stride: c.stride, dilation: c.dilation, padding: c.padding),
      channels: channels, filters: c.filters, groups: c.groups, weight: weight!, bias: bias)
  case let c as DepthwiseConvolution:
    return ReferenceConvolution(
      name, ReferenceWindows(input, kernel: c.kernel, stride: c.stride, dilation: c.dilation, padding: c.padding),
      channels: channels, filters: channels * c.multiplier, groups: channels, weight: weight!, bias: bias)
  case let c as Convolution1D:
    func along(_ length: Int) -> Extent { Extent(height: 1, width: length) }
    return ReferenceConvolution(
      name,
      ReferenceWindows(
        input, kernel: along(c.kernel), stride: along(c.stride), dilation: along(c.dilation), padding: c.padding),
      channels: channels, filters: c.filters, groups: c.groups, weight: weight!, bias: bias)
  case let p as MaxPool:
    return ReferencePool(
      ReferenceWindows(input, kernel: p.kernel, stride: p.stride, padding: p.padding), channels: channels,
      isMean: false)
  case let p as AveragePool:
    return ReferencePool(
      ReferenceWindows(input, kernel: p.kernel, stride: p.stride, padding: p.padding), channels: channels, isMean: true)
  case is GlobalAveragePool:
    let whole = Extent(height: input.dimensions[0], width: input.dimensions[input.rank - 2])
    return ReferencePool(
      ReferenceWindows(input, kernel: whole, stride: 1, padding: .valid), channels: channels, isMean: true)
  default: return nil
  }
}
