import Evenkeel
import Testing

/// A layer over images (or sequences) between two others, so that its gradients and those of its input are seen.
package struct ImageCase: Sendable, CustomTestStringConvertible {
  package let testDescription: String
  package let input: Shape
  package let layers: @Sendable () -> [any Layer]

  package init(_ name: String, _ input: Shape, @LayerBuilder _ layers: @escaping @Sendable () -> [any Layer]) {
    testDescription = name
    self.input = input
    self.layers = layers
  }

  package var network: Network {
    Network(input: input) {
      // A first convolution of 1×1 makes everything after it need the gradient of its input.
      input.rank == 2
        ? [Convolution1D(input.featureCount, kernel: 1, bias: .present)] as [any Layer]
        : [Convolution(input.featureCount, kernel: 1, bias: .present)]
      layers()
      Flatten()
      Dense(3)
    }
  }

  package static let all: [ImageCase] = [
    ImageCase("3×3 on 1×1 images", [1, 1, 3]) { Convolution(5, kernel: 3) },
    ImageCase("3×3 on 2×3 images, 1 channel", [2, 3, 1]) { Convolution(17, kernel: 3) },
    ImageCase("2×2, 17 channels", [5, 4, 17]) { Convolution(3, kernel: 2) },
    ImageCase("5×5 with stride 3 over the edge", [7, 8, 2]) { Convolution(4, kernel: 5, stride: 3) },
    ImageCase("3×3, stride 2, no padding", [9, 6, 3]) { Convolution(8, kernel: 3, stride: 2, padding: .valid) },
    ImageCase("padding wider than the window asks for", [4, 4, 2]) { Convolution(3, kernel: 3, padding: .each(2)) },
    ImageCase("padding at the end, as TensorFlow has it for strides", [6, 7, 3]) {
      Convolution(4, kernel: 3, stride: 2, padding: .sides(top: 0, bottom: 1, left: 1, right: 1))
      DepthwiseConvolution(kernel: 3, stride: 2, padding: .sides(top: 1, bottom: 1, left: 0, right: 1))
    },
    ImageCase("other padding on each side", [5, 6, 16]) {
      Convolution(16, kernel: 3, padding: .sides(top: 0, bottom: 3, left: 4, right: 1))
      MaxPool(3, stride: 2, padding: .sides(top: 2, bottom: 0, left: 0, right: 1))
      AveragePool(2, stride: 1, padding: .sides(top: 0, bottom: 1, left: 1, right: 0))
    },
    ImageCase("1×7 windows with another stride each way", [3, 10, 4]) {
      Convolution(6, kernel: [1, 7], stride: [1, 2])
    },
    ImageCase("dilation 2", [9, 9, 2]) { Convolution(5, kernel: 3, dilation: 2) },
    ImageCase("three groups", [5, 5, 6]) { Convolution(9, kernel: 3, groups: 3) },
    ImageCase("16 filters of 16 channels", [6, 6, 16]) { Convolution(16, kernel: 3) },
    ImageCase("many filters of small images", [2, 2, 16]) {
      Convolution(144, kernel: 3, bias: .present)
      Convolution(70, kernel: 2, padding: .valid)
    },
    ImageCase("images of which 33 are two slices", [16, 16, 3]) {
      Convolution(16, kernel: 3, bias: .present)
      MaxPool(3, stride: 1, padding: .each(1))
      Convolution(16, kernel: 3, bias: .present)
      Convolution(20, kernel: 2, stride: 2)
    },
    ImageCase("depthwise", [6, 5, 17]) { DepthwiseConvolution(kernel: 3) },
    ImageCase("depthwise, two filters a channel, stride 2", [7, 7, 4]) {
      DepthwiseConvolution(kernel: 3, multiplier: 2, stride: 2, bias: .present)
    },
    ImageCase("batch norm and ReLU behind", [5, 6, 3]) {
      Convolution(20, kernel: 3)
      BatchNorm()
      ReLU()
    },
    ImageCase("1-D", [11, 3]) { Convolution1D(5, kernel: 4) },
    ImageCase("1-D, stride, dilation, groups", [13, 4]) {
      Convolution1D(6, kernel: 3, stride: 2, padding: .valid, dilation: 2, groups: 2)
      BatchNorm()
      Tanh()
    },
    ImageCase("1-D, padding at the end", [10, 3]) {
      Convolution1D(4, kernel: 3, stride: 2, padding: .sides(top: 0, bottom: 0, left: 0, right: 1))
    },
    ImageCase("largest of 2×2", [6, 6, 5]) { MaxPool(2) },
    ImageCase("largest of 3×3, overlapping, padded", [7, 5, 17]) { MaxPool(3, stride: 2, padding: .each(1)) },
    ImageCase("largest where the edge is left out", [5, 5, 1]) { MaxPool(2) },
    ImageCase("largest of a sequence", [9, 3]) { MaxPool(3, stride: 2) },
    ImageCase("mean of 2×3", [4, 6, 4]) { AveragePool([2, 3]) },
    ImageCase("mean with padding", [5, 5, 3]) { AveragePool(3, stride: 2, padding: .same) },
    // A function before it: the mean's gradient alone is the same everywhere, and sums of equal numbers round one way.
    ImageCase("mean of everything", [5, 4, 19]) {
      Tanh()
      GlobalAveragePool()
    },
    ImageCase("mean of a whole sequence", [7, 3]) {
      Tanh()
      GlobalAveragePool()
    },
    ImageCase("layer norm at each pixel", [5, 4, 19]) {
      LayerNorm()
      Tanh()
    },
    ImageCase("RMS norm at each step", [7, 5]) {
      RMSNorm()
      Tanh()
    },
    ImageCase("group norm, groups of 4", [5, 6, 20]) {
      GroupNorm(groups: 5)
      ReLU()
    },
    ImageCase("group norm, one group", [3, 5, 7]) { GroupNorm(groups: 1) },
    ImageCase("group norm of a sequence", [11, 6]) { GroupNorm(groups: 3, scale: false) },
    ImageCase("instance norm", [4, 5, 17]) {
      InstanceNorm()
      SiLU()
    },
    ImageCase("instance norm of a sequence without shift", [9, 3]) { InstanceNorm(shift: false) },
    ImageCase("residual with a projection and group norms", [7, 6, 4]) {
      Residual(shortcut: .projection) {
        Convolution(8, kernel: 3, stride: 2)
        GroupNorm(groups: 2)
        ReLU()
        Convolution(8, kernel: 3)
        GroupNorm(groups: 4, initialScale: 0.5)
      }
      ReLU()
    },
    ImageCase("residual, identity", [5, 5, 6]) {
      Residual {
        Convolution(6, kernel: 3)
        BatchNorm()
        ReLU()
        Convolution(6, kernel: 3)
        BatchNorm()
      }
      ReLU()
    },
    ImageCase("residual with a projection", [7, 6, 4]) {
      Residual(shortcut: .projection) {
        Convolution(8, kernel: 3, stride: 2)
        BatchNorm()
        ReLU()
        Convolution(8, kernel: 3)
        BatchNorm(initialScale: 0.5)
      }
      ReLU()
    },
    ImageCase("projection of a sequence without norms", [8, 3]) {
      Residual(shortcut: .projection) { Convolution1D(5, kernel: 3, stride: 2) }
    },
  ]
}
