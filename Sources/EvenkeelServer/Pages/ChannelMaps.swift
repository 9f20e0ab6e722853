import Evenkeel

/// The smallest and largest value of each of the first channels, and its mean.
struct ChannelRanges {
  let minimum, maximum, mean: [Float]

  /// - Parameters:
  ///   - values: Position after position, channels last.
  ///   - shown: How many of the channels are looked at.
  init(_ values: [Float], channels: Int, shown: Int) {
    var (least, most) = ([Float](repeating: .infinity, count: shown), [Float](repeating: -.infinity, count: shown))
    var sums = [Double](repeating: 0, count: shown)
    values.withUnsafeBufferPointer { values in
      for start in stride(from: 0, to: values.count, by: channels) {
        for channel in 0..<shown {
          let value = values[start + channel]
          least[channel] = min(least[channel], value)
          most[channel] = max(most[channel], value)
          sums[channel] += Double(value)
        }
      }
    }
    let count = Double(values.count / max(channels, 1))
    (minimum, maximum, mean) = (least, most, sums.map { Float($0 / count) })
  }
}

/// The values of each channel as bytes: value = minimum + byte · (maximum − minimum) / 255, to half a step.
struct ChannelMaps: Encodable {
  /// Of one map; those of larger layers hold every second, third … row and column.
  let height, width: Int
  /// Base64: channel after channel, row after row.
  let bytes: EncodedJSON

  /// The longest side of a map.
  static let mostPixels = 64

  init(_ activation: LayerActivation, _ ranges: ChannelRanges) {
    let shape = activation.values.shape.dimensions.dropFirst()
    // Everything before the columns is rows: of a sequence there is one.
    let columns = shape.count > 1 ? shape[shape.endIndex - 2] : 1
    let rows = activation.positions / columns
    let step = (max(rows, columns) - 1) / Self.mostPixels + 1
    (height, width) = ((rows - 1) / step + 1, (columns - 1) / step + 1)
    let (height, width, channels) = (height, width, activation.channels)
    let shown = ranges.minimum.count
    let pixels = [UInt8](unsafeUninitializedCapacity: shown * height * width) { bytes, count in
      count = shown * height * width
      activation.values.values.withUnsafeBufferPointer { values in
        for channel in 0..<shown {
          let least = ranges.minimum[channel]
          let range = ranges.maximum[channel] - least
          let factor = range > 0 ? 255 / range : 0
          var target = channel * height * width
          for row in 0..<height {
            for column in 0..<width {
              let value = values[(row * step * columns + column * step) * channels + channel]
              let level = (value - least) * factor + 0.5
              bytes[target] = level >= 0 && level < 256 ? UInt8(level) : 0
              target += 1
            }
          }
        }
      }
    }
    // Base64 has nothing to escape.
    bytes = EncodedJSON(text: "\"\(Base64.encoded(pixels))\"")
  }
}
