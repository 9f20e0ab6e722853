import ArgumentParser
import Evenkeel

extension ImageSize: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension ImageInput.Resizing: ExpressibleByArgument {}

/// The size that the images of a folder become.
struct ImageSizeOptions: ParsableArguments {
  @Option(
    help:
      "The size that images become, in pixels: 64, or 64x48 for width and height. By default the size of nearly all of them, else their median. The model keeps it."
  )
  var imageSize: ImageSize?
  @Option(
    help: "How images of other proportions become that size: fit (whole, on black), crop (their middle) or stretch.")
  var resize = ImageInput.Resizing.fit
}

/// What becomes of damaged images.
struct BrokenImageOption: ParsableArguments {
  @Flag(help: "Leave out damaged images, with a warning; otherwise the first one is an error.") var skipBroken = false
}
