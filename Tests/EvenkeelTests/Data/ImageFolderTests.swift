import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Testing

/// Hands `body` a folder of these files.
private func folder(_ files: [String: [UInt8]], _ body: (String) throws -> Void) throws {
  try withTemporaryFolder { root in
    for (name, bytes) in files {
      // A name that ends in a slash is just a folder.
      let folder = name[..<(name.lastIndex(of: "/") ?? name.startIndex)]
      try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
      if !name.hasSuffix("/") { writeBytes(bytes, to: "\(root)/\(name)") }
    }
    try body(root)
  }
}

private func labels(_ dataset: Dataset) -> ([Int32], [String])? {
  if case .classes(let indices, let names) = dataset.targets { (indices, names) } else { nil }
}

@Test func aFolderOfImagesHasItsFoldersForClasses() throws {
  var files: [String: [UInt8]] = ["readme.txt": [1], "b/.hidden": [1], ".cache/x": [1]]
  for index in 0..<10 {
    files["b/\(index).png"] = imageFile("color.png")
    files["a/\(index).jpg"] = imageFile("color.jpg")
  }
  try folder(files) { root in
    let splits = try Dataset.read(root, validation: .share(0.25), seed: 3)
    #expect((splits.training.count, splits.validation.count, splits.test.count) == (12, 4, 4))
    #expect(splits.training.shape == [5, 6, 3])
    for part in [splits.training, splits.validation, splits.test] {
      let (indices, names) = labels(part)!
      #expect(names == ["a", "b"])
      for index in 0..<part.count {
        #expect(part.files![index].hasPrefix(root + (indices[index] == 0 ? "/a/" : "/b/")))
        #expect(
          part[index]
            == (indices[index] == 0 ? pillow.pixels["color.jpg"]!.values : fixtureImage(3, fixtureValue)).map {
              Float($0)
            })
      }
    }
    let all = [splits.training, splits.validation, splits.test].flatMap { $0.files! }
    #expect(Set(all).count == 20)
    #expect(try Dataset.images(at: root, validation: 0.25, seed: 3).test.files == splits.test.files)
  }
}

@Test func aFolderWithPartsIsPartedByThem() throws {
  let gray = imageFile("gray.png")
  try folder(["train/a/1": gray, "train/b/1": gray, "train/b/2": gray, "test/b/3": gray, "val/a/4": gray]) { root in
    let splits = try Dataset.read(root)
    #expect(splits.training.files == ["a/1", "b/1", "b/2"].map { root + "/train/" + $0 })
    #expect(splits.validation.files == [root + "/val/a/4"] && splits.test.files == [root + "/test/b/3"])
    #expect(labels(splits.test)! == ([1], ["a", "b"]))
    #expect(splits.training.shape == [5, 6, 1])
    let error = #expect(throws: EvenkeelError.self) { try Dataset.images(at: root, validation: 0.1) }
    #expect(error?.code == .usage)
  }
  try folder(["train/a/1": gray, "train/b/1": gray, "validation/b/2": gray]) { root in
    let splits = try Dataset.read(root)
    #expect(splits.validation.isEmpty && splits.test.files == [root + "/validation/b/2"])
  }
}

@Test func oneColorImageMakesAllColor() throws {
  let files = [
    "train/a/1": imageFile("gray.png"), "train/b/1": imageFile("gray.jpg"), "test/a/1": imageFile("palette.png"),
  ]
  try folder(files) { root in
    let training = try Dataset.images(at: root).training
    #expect(training.shape == [5, 6, 3])
    #expect(training[0] == fixtureImage(3) { y, x, _ in fixtureValue(y, x, 0) }.map { Float($0) })
  }
}

@Test func aClassThatOnlyTheTestPartHasComesAfterThoseOfTraining() throws {
  try folder(["train/b/1": png, "train/c/1": png, "test/a/1": png, "test/c/1": png]) { root in
    let splits = try Dataset.images(at: root)
    guard case .classes(let trained, let known) = splits.training.targets,
      case .classes(let tested, let all) = splits.test.targets
    else {
      Issue.record("expected classes")
      return
    }
    #expect(trained == [0, 1])
    #expect(known == ["b", "c"])
    #expect(tested == [2, 1])
    #expect(all == ["b", "c", "a"])
  }
}

private let png = imageFile("gray.png")

private let wrongFolders: [(files: [String: [UInt8]], first: String, second: String)] = [
  (["a/1": png, "b/": []], "/b: there are no images.", ""),
  (["a/1": png, "b/.hidden": png], "/b: there are no images.", ""),
  (["a/1": png], ": expected a folder of images for each of at least 2 classes, got 1 (a).", ""),
  (["a/1": png, "b/Thumbs.db": [1]], "/b: there are no images.", ""),
  (
    ["a/1": png, "b/1": png, "b/x.txt": [65]], "/b/x.txt: it is not a PNG, JPEG or WebP image. ",
    "--skip-broken leaves such files out."
  ),
  (["a/1": png, "b/empty": []], ": no image of the class \"b\" can be read.", ""),
  (["a/1": png, "b/c/1": png], "/b/c is a folder; expected an image.", ""),
  (["train/a/1": png, "train/b/1": png, "test/": []], "/test: there are no images.", ""),
  (["x.png": png], ": expected a folder of images for each class; these have no classes.", ""),
  (["x.txt": [65]], ": found neither IDX files", "nor a folder of images for each class."),
  ([:], ": found neither IDX files", "nor a folder of images for each class."),
  (["a/1": png, "b/1": flipped("gray.png", 50)], "/b/1: the PNG file is damaged (IDAT: ", "out."),
]

@Test func aFolderThatCannotBeTrainedOnIsNamed() throws {
  for (files, first, second) in wrongFolders {
    try folder(files) { root in
      let error = #expect(throws: EvenkeelError.self) { try Dataset.read(root) }
      #expect(error?.code == .data)
      let message = error?.message ?? ""
      #expect(message.hasPrefix(root + first) && message.hasSuffix(second))
    }
  }
}

@Test func anErrorNamesTheFirstFileWhateverTheOrderOfReading() throws {
  var files: [String: [UInt8]] = [:]
  for index in 10..<60 { files["a/\(index)"] = png }
  for index in [17, 18, 33, 59] { files["a/\(index)"] = [1] }
  files["b/1"] = [2]
  try folder(files) { root in
    for _ in 0..<20 {
      let error = #expect(throws: EvenkeelError.self) { try Dataset.read(root) }
      #expect(error?.message.contains("/a/17:") == true)
    }
  }
}

@Test func filesBesideImagesAreCountedAndLeftOut() throws {
  let files = [
    "a/1": png, "a/Thumbs.db": [1], "a/.DS_Store": [1], "a/empty.png": [], "b/1": png, "b/._1.png": [0, 5, 22, 7],
    "b/desktop.ini": [1],
  ]
  try folder(files) { root in
    let splits = try Dataset.images(at: root, test: 0)
    #expect(splits.training.files == ["a/1", "b/1"].map { root + "/" + $0 })
    #expect(
      splits.warnings == [
        "\(root): 5 files that are no images are left out, e.g. \(root)/a/.DS_Store, \(root)/a/Thumbs.db."
      ])
  }
}

@Test func brokenImagesAreLeftOutIfThatIsWanted() throws {
  var files: [String: [UInt8]] = ["train/b/3": [1], "train/a/x": flipped("gray.png", 50), "val/b/9": png]
  for index in 4..<8 { (files["train/a/\(index)"], files["train/b/\(index)"]) = (png, png) }
  try folder(files) { root in
    let error = #expect(throws: EvenkeelError.self) { try Dataset.read(root) }
    #expect(error?.message.hasPrefix("\(root)/train/b/3: it is not a PNG, JPEG or WebP image.") == true)
    let splits = try Dataset.read(root, images: ImageOptions(skipsBroken: true))
    #expect(splits.training.files == ["a", "b"].flatMap { name in (4..<8).map { "\(root)/train/\(name)/\($0)" } })
    #expect(labels(splits.training)! == ([0, 0, 0, 0, 1, 1, 1, 1], ["a", "b"]))
    #expect(splits.test.files == ["\(root)/val/b/9"] && labels(splits.test)!.0 == [1])
    for index in 0..<8 { #expect(splits.training[index] == fixtureImage(1, fixtureValue).map { Float($0) }) }
    #expect(splits.warnings.count == 1)
    #expect(splits.warnings[0].hasPrefix("\(root)/train: 2 files that are damaged are left out: \(root)/train/b/3: it"))
  }
  try folder(["a/1": png, "b/1": [1]]) { root in
    let error = #expect(throws: EvenkeelError.self) { try Dataset.read(root, images: ImageOptions(skipsBroken: true)) }
    #expect(error?.message == "\(root): no image of the class \"b\" can be read.")
  }
}

/// `count` images of one size in each of two classes, and others.
private func photos(_ count: Int, _ others: [String: [UInt8]]) -> [String: [UInt8]] {
  var files = others
  for index in 0..<count { (files["a/\(index)"], files["b/\(index)"]) = (png, png) }
  return files
}

@Test func theSizeOfNearlyAllImagesIsEveryones() throws {
  try folder(photos(10, ["b/x": imageFile("four.png")])) { root in
    let splits = try Dataset.images(at: root, test: 0)
    #expect(splits.training.shape == [5, 6, 1] && splits.training.count == 21)
    #expect(
      splits.warnings == [
        "\(root): the images have 2 sizes; all become 6 × 5 (fit), 1 of 21 by resizing; --image-size and --resize change that."
      ])
  }
  try folder(photos(10, [:])) { root in
    let splits = try Dataset.images(at: root)
    #expect(splits.warnings.isEmpty && splits.training.images?.resizing == .fit)
  }
}

@Test func imagesOfManySizesBecomeTheirMedian() throws {
  // 20 × 24 and 24 × 20 beside 6 × 5: the median width is 20, the median height 20.
  let others = ["a/x": imageFile("photo.png"), "a/y": imageFile("turned.png"), "a/z": imageFile("turned.png")]
  try folder(photos(1, others)) { root in
    let splits = try Dataset.images(at: root, test: 0)
    #expect(splits.training.shape == [24, 24, 3])
    #expect(
      splits.warnings == [
        "\(root): the images have 3 sizes; all become 24 × 24 (fit), 5 of 5 by resizing; --image-size and --resize change that."
      ])
    let chosen = try Dataset.read(
      root, images: ImageOptions(size: ImageSize("7x31"), resizing: .crop), test: .share(0)
    )
    #expect(chosen.training.shape == [31, 7, 3] && chosen.warnings.isEmpty)
    let expected = pillow.resized.first { $0.form == "crop" && $0.size == [7, 31] }!.values
    #expect(chosen.training[1] == expected.map { Float($0) })
  }
}

@Test func sizesOfImagesAreForFoldersOfImages() throws {
  try withTemporaryPath(".csv", containing: "x,y\n1,2\n3,4\n") { path in
    for data in [path, "digits"] {
      let error = #expect(throws: EvenkeelError.self) {
        try Dataset.read(data, images: ImageOptions(size: ImageSize("8")))
      }
      #expect(error?.code == .usage && error?.message.hasSuffix("are for folders of images.") == true)
    }
  }
}

@Test func aModelTakesImagesOfAnySizeAndColor() throws {
  try folder(photos(3, ["a/x": imageFile("four.png")])) { root in
    let splits = try Dataset.images(at: root, options: ImageOptions(size: ImageSize("12x10"), resizing: .stretch))
    var model = try Model(Network(input: [120]) { Dense(2) })
    try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.05), batchSize: 4).fit(
      &model, to: splits.training, epochs: 1)
    try withTemporaryPath { path in
      try model.write(to: path)
      let stored = try Model(contentsOf: path)
      let photo = root + "/photo.png"
      writeBytes(imageFile("photo.png"), to: photo)
      let (dataset, warnings) = try Dataset.readForUse(photo, by: stored, targets: false)
      #expect(dataset.shape == [10, 12, 1] && warnings.isEmpty)
      // In gray, then resized; Pillow's image resized, then in gray, differs by the rounding of each.
      let colors = pillow.resized.first { $0.form == "stretch" && $0.size == [12, 10] }!.values
      for (index, value) in dataset[0].enumerated() {
        let gray =
          0.299 * Double(colors[3 * index]) + 0.587 * Double(colors[3 * index + 1]) + 0.114
          * Double(colors[3 * index + 2])
        #expect(abs(Double(value) - gray) <= 2)
      }
      let other = try Dataset.images(at: root + "/", options: ImageOptions(size: ImageSize("12x10"))).training
      let error = #expect(throws: EvenkeelError.self) {
        var again = stored
        _ = try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.05), batchSize: 4).fit(
          &again, to: other, epochs: 1)
      }
      #expect(
        error?.message.contains("12 × 10 (fit); those that the model was trained on were 12 × 10 (stretch)") == true)
    }
  }
}

@Test func aStoredModelIsUsedOnImagesOfEveryArrangement() throws {
  let (color, other) = (imageFile("color.png"), imageFile("interlaced.png"))
  let dark = imageFile("palette.png")
  var files: [String: [UInt8]] = [:]
  for index in 0..<8 {
    files["train/bright/\(index).png"] = index % 2 == 0 ? color : other
    files["train/dark/\(index).png"] = dark
  }
  files["test/dark/1.png"] = dark
  files["test/bright/1.png"] = color
  try folder(files) { root in
    let splits = try Dataset.read(root)
    var model = try Model(
      Network(input: [90]) {
        Dense(4)
        BatchNorm()
        ReLU()
        Dense(2)
      }, seed: 1)
    try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.05), batchSize: 8).fit(
      &model, to: splits.training, epochs: 20)
    #expect(try model.evaluate(Dataset.readForUse(root, by: model, targets: true).dataset).accuracy == 1)
    // A folder of classes without parts is used as a whole.
    let whole = try Dataset.readForUse(root + "/train", by: model, targets: true).dataset
    #expect(whole.count == 16)
    #expect(try model.evaluate(whole).accuracy == 1)
    let flat = try Dataset.readForUse(root + "/train/dark", by: model, targets: false).dataset
    #expect(flat.files == (0..<8).map { "\(root)/train/dark/\($0).png" })
    let single = try Dataset.readForUse(root + "/test/dark/1.png", by: model, targets: false).dataset
    #expect(single.files == [root + "/test/dark/1.png"] && single.shape == [5, 6, 3])
    // One row may be multiplied by another loop than many: the last bits may differ.
    for (alone, among) in zip(try model.predict(single)[row: 0], try model.predict(whole)[row: 8]) {
      #expect(abs(alone - among) <= 1e-6)
    }
    let error = #expect(throws: EvenkeelError.self) {
      try Dataset.readForUse(root + "/train/dark", by: model, targets: true)
    }
    #expect(error?.code == .data && error?.message.contains("no classes") == true)
  }
  let grays = ["a.png": imageFile("gray.png")]
  try folder(grays) { root in
    // A model of color images sees a gray one in color; one that takes another size says so.
    for (length, channels) in [(90, 3), (30, 1)] {
      let model = try Model(Network(input: [length]) { Dense(2) })
      #expect(try Dataset.readForUse(root, by: model, targets: false).dataset.shape == [5, 6, channels])
    }
    let model = try Model(Network(input: [31]) { Dense(2) })
    let error = #expect(throws: EvenkeelError.self) { try Dataset.readForUse(root, by: model, targets: false) }
    #expect(error?.message.contains("/a.png: the model takes 31 values, the image [5, 6, 1] gives 30") == true)
  }
}

// ---- CIFAR-10 -------------------------------------------------------------------------------------------------------

/// Records whose byte at `pixel` of `channel` is 7 · record + 85 · channel + pixel, modulo 256.
private func batch(_ records: Int, label: (Int) -> Int = { $0 % 10 }) -> [UInt8] {
  var bytes: [UInt8] = []
  for record in 0..<records {
    bytes.append(UInt8(label(record)))
    for channel in 0..<3 {
      for pixel in 0..<1024 { bytes.append(UInt8((7 * record + 85 * channel + pixel) % 256)) }
    }
  }
  return bytes
}

@Test func cifarBatchesBecomeImagesWithFeaturesLast() throws {
  let names = (0..<10).map { "class \($0)" }
  let files = [
    "data_batch_2.bin": batch(3), "data_batch_4.bin": batch(4) { 9 - $0 }, "test_batch.bin": batch(2),
    "batches.meta.txt": Array((names.joined(separator: "\n") + "\n\n").utf8),
  ]
  try folder(files) { root in
    let splits = try Dataset.read(root)
    #expect(splits.training.shape == [32, 32, 3] && splits.training.count == 7 && splits.test.count == 2)
    #expect(labels(splits.training)! == ([0, 1, 2, 9, 8, 7, 6], names))
    for (example, record) in [(0, 0), (2, 2), (6, 3)] {
      let expected = (0..<1024).flatMap { (pixel: Int) -> [Float] in
        (0..<3).map { (channel: Int) -> Float in Float((7 * record + 85 * channel + pixel) % 256) }
      }
      #expect(splits.training[example] == expected)
    }
  }
  let twice = files.merging(["data_batch_4.bin": batch(3)]) { $1 }
  try folder(twice) { root in
    let splits = try Dataset.cifar10(at: root, validation: 0.5)
    #expect(splits.validation.count == 3 && splits.training.count == 3)
  }
}

private let wrongBatches: [(files: [String: [UInt8]], code: Int32, sentence: String)] = [
  (["data_batch_1.bin": batch(2)], 66, "has no test_batch.bin or test_batch.bin.gz"),
  (["test_batch.bin": batch(2)], 66, "has no data_batch_1.bin to data_batch_5.bin"),
  (
    ["data_batch_1.bin": batch(1) + [0], "test_batch.bin": batch(1)], 65,
    "/data_batch_1.bin: expected records of 3073 bytes"
  ),
  (["data_batch_1.bin": [], "test_batch.bin": batch(1)], 65, "/data_batch_1.bin: expected records of 3073 bytes"),
  (
    ["data_batch_1.bin": batch(1), "test_batch.bin": batch(3) { $0 + 8 }], 65,
    "/test_batch.bin: the label of record 2 is 10"
  ),
  (
    ["data_batch_1.bin.gz": [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b], "test_batch.bin": batch(1)], 65,
    "/data_batch_1.bin.gz: the gzip file is truncated"
  ),
  (
    ["data_batch_1.bin": batch(1), "test_batch.bin": batch(1), "batches.meta.txt": Array("a\nb\n".utf8)], 65,
    "/batches.meta.txt: expected 10 different class names, one per line, got 2"
  ),
]

@Test func damagedCIFARFoldersAreNamed() throws {
  for (files, code, sentence) in wrongBatches {
    try folder(files) { root in
      let error = #expect(throws: EvenkeelError.self) { try Dataset.read(root) }
      #expect(error?.code.rawValue == code)
      #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
    }
  }
}

@Test(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"))
func cifar10IsReadAndStandardizedByChannel() throws {
  let splits = try Dataset.read(dataFolder! + "/cifar10")
  #expect(splits.training.count == 10_000 && splits.test.count == 2_000 && splits.training.shape == [32, 32, 3])
  let (indices, names) = labels(splits.training)!
  #expect(names.first == "airplane" && names.last == "truck")
  #expect(Set(indices) == Set(0..<10))
  // Krizhevsky's whole set has these means and deviations; a fifth of it strays by a few parts in a thousand.
  let scaling = try InputScaling(fittedTo: splits.training)
  for (channel, (mean, deviation)) in [(125.3, 63.0), (123.0, 62.1), (113.9, 66.7)].enumerated() {
    #expect(abs(Double(scaling.mean[channel]) - mean) < 2 && abs(Double(scaling.deviation[channel]) - deviation) < 2)
  }
  // In Double, from the bytes.
  let bytes = try FileBytes(dataFolder! + "/cifar10/data_batch_1.bin.gz").copy
  for channel in 0..<3 {
    var (sum, squares) = (0, 0)
    for record in 0..<10_000 {
      for pixel in 0..<1024 {
        let value = Int(bytes[record * 3073 + 1 + channel * 1024 + pixel])
        sum += value
        squares += value * value
      }
    }
    let count = 10_000.0 * 1024
    let mean = Double(sum) / count
    let deviation = (Double(squares) / count - mean * mean).squareRoot()
    #expect(abs(scaling.mean[channel] / mean - 1) < 1e-12)
    #expect(abs(scaling.deviation[channel] / deviation - 1) < 1e-12)
  }
}
