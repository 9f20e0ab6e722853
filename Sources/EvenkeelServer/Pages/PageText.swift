import Evenkeel
import EvenkeelLab

/// The page of a network as one file of HTML: style, script and what is known of the network are in it.
enum PageText {
  /// - Throws: `EvenkeelError` if the example digits cannot be drawn.
  static func html(of choice: PageChoice) throws -> String {
    let description = try JSONLine.text(try PageDescription(of: choice))
    let script = [
      PackageResources.numbers_js, PackageResources.prepare_js, PackageResources.pen_js, PackageResources.upload_js,
      PackageResources.form_js,
      PackageResources.histogram_js, PackageResources.walk_js, PackageResources.channel_js, PackageResources.page_js,
    ].map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
    return String(decoding: PackageResources.page_html, as: UTF8.self)
      .replacing("/*style*/", with: style, maxReplacements: 1)
      .replacing("/*script*/", with: script, maxReplacements: 1)
      // Inside of an element of script, only its end tag means anything.
      .replacing("/*model*/", with: description.replacing("<", with: "\\u003c"), maxReplacements: 1)
  }
}

extension PageText {
  /// Colors and type are those of the laboratory's pages.
  private static let style =
    Stylesheet.palette + ":root{--sans:\(Stylesheet.sans);--mono:\(Stylesheet.mono)}"
    + String(decoding: PackageResources.page_css, as: UTF8.self)
}

/// What the page needs to know of a network before it asks anything.
struct PageDescription: Encodable {
  /// What the model is called, and all that the page offers.
  let name: String
  let models: [String]
  /// Which of the networks of the model it is, from 1, and how many there are.
  let member, members: Int
  let version: String
  let parameters: Int
  let outputs: [String]
  let input: PageInput
  /// Ten digits of 28×28 bytes in base64; empty unless the model takes such images.
  let examples: [String]

  init(of choice: PageChoice) throws {
    let model = choice.network
    (name, models) = (choice.name, choice.names)
    (member, members) = (choice.member, choice.members)
    version = Release.version
    parameters = model.parameterCount
    outputs = PredictedOutputs.names(of: model)
    input = PageInput(of: model)
    guard case .image(let image) = input, image.isDigit else {
      examples = []
      return
    }
    examples = try Self.digits.get()
  }

  private static let digits = Result {
    let digits = try Dataset.digits(training: 10, test: 0, seed: 3).training
    return (0..<10).map { index in Base64.encoded(digits[index].map { UInt8($0) }) }
  }
}

/// What a model takes: an image, or fields.
enum PageInput: Encodable {
  case image(ImageDescription)
  /// The columns of a table, or plain values.
  case fields([PageField], isTable: Bool)

  struct ImageDescription: Encodable {
    let height, width, channels: Int
    /// How an image of other proportions is brought to the size.
    let resizing: ImageInput.Resizing
    /// Gray images of 28×28, as MNIST's.
    var isDigit: Bool { (height, width, channels) == (28, 28, 1) }
  }

  init(of model: Model) {
    if let encoding = model.encoding {
      self = .fields(
        encoding.hasNamedColumns
          ? encoding.columns.map { PageField($0) }
          : PageField.plain(encoding.columns.map(\.name), model),
        isTable: encoding.hasNamedColumns)
    } else if let images = model.images {
      self = .image(
        ImageDescription(
          height: images.height, width: images.width, channels: images.channels, resizing: images.resizing))
    } else if let image = Self.image(of: model.network.input) {
      self = .image(image)
    } else {
      self = .fields(PageField.plain((0..<model.network.input.count).map { "\($0)" }, model), isTable: false)
    }
  }

  /// The image that an input of this shape is; nil for other shapes. 784 values are an image of 28×28.
  private static func image(of shape: Shape) -> ImageDescription? {
    let sides = shape.dimensions
    switch sides.count {
    case 1 where sides[0] == 784: return ImageDescription(height: 28, width: 28, channels: 1, resizing: .fit)
    case 2 where sides.allSatisfy { $0 >= 8 }:
      return ImageDescription(height: sides[0], width: sides[1], channels: 1, resizing: .fit)
    case 3 where sides[2] == 1 || sides[2] == 3:
      return ImageDescription(height: sides[0], width: sides[1], channels: sides[2], resizing: .fit)
    default: return nil
    }
  }

  private enum CodingKeys: String, CodingKey { case image, fields, isTable }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .image(let image): try container.encode(image, forKey: .image)
    case .fields(let fields, let isTable):
      try container.encode(fields, forKey: .fields)
      try container.encode(isTable, forKey: .isTable)
    }
  }
}

/// One field of the form.
struct PageField: Encodable {
  let name: String
  /// `number`, `category` or `date`.
  let kind: String
  /// What it begins with.
  let value: String
  /// The categories.
  let choices: [String]?
  /// Of the training rows, as the field writes them.
  let least, greatest: String?

  init(_ column: TableEncoding.Column) {
    name = column.name
    let range = column.range
    switch column.kind {
    case .numeric(let mean, _):
      kind = "number"
      value = NumberText.plain.short(mean, digits: 4)
      (least, greatest) = (range.map { "\($0.least)" }, range.map { "\($0.greatest)" })
      choices = nil
    case .categorical(let categories), .embedded(let categories):
      (kind, value) = ("category", categories.first ?? "")
      (choices, least, greatest) = (categories, nil, nil)
    case .date:
      kind = "date"
      (least, greatest) = (
        range.map { CalendarDate(days: $0.least).text }, range.map { CalendarDate(days: $0.greatest).text }
      )
      value = greatest ?? ""
      choices = nil
    }
  }

  private init(name: String, value: String) {
    (self.name, self.value, kind) = (name, value, "number")
    (choices, least, greatest) = (nil, nil, nil)
  }

  /// Values without a description; each begins with its mean in training.
  static func plain(_ names: [String], _ model: Model) -> [PageField] {
    names.enumerated().map { index, name in
      let means = model.scaling?.mean ?? [0]
      return PageField(name: name, value: NumberText.plain.short(means[index % means.count], digits: 4))
    }
  }
}
