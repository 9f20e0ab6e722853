import Evenkeel
import EvenkeelTestSupport
import Testing

/// Public tables as R writes them, and small files as people have them.
@Suite(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"))
struct RealTableTests {
  @Test(arguments: [
    ("Star", "tmathssk", 0), ("Vocab", "vocabulary", 0), ("Doctor", "doctor", 0), ("Doctor", "children", 0),
    ("birthwt", "ftv", 0), ("mpg", "hwy", 0), ("Computers", "ram", 0), ("Baseball", "years", 0), ("quakes", "mag", 0),
    ("pbc", "stage", 4), ("birthwt", "race", 3), ("birthwt", "low", 2), ("mpg", "cyl", 4), ("biopsy", "class", 2),
    ("Chile", "vote", 4), ("fgl", "type", 6), ("airquality", "Month", 5),
  ])
  func theTargetOfARealTableIsWhatPeopleTakeItFor(name: String, target: String, classCount: Int) throws {
    let splits = try Dataset.read(dataFolder! + "/tables/\(name).csv", target: target)
    #expect(splits.training.encoding!.classLabels.count == classCount, "\(splits.targetReason ?? "")")
  }

  @Test(arguments: [
    ("dates", 6 + 1 + 3), ("euro", 5), ("percent", 5), ("thousand", 5), ("utf16", 5), ("trail", 5), ("qmark", 6),
    ("ids", 2),
  ])
  func aTableAsPeopleHaveItGivesTheFeaturesThatItHolds(name: String, features: Int) throws {
    let path = dataFolder! + "/odd/\(name).csv"
    let splits = try Dataset.read(path)
    #expect(splits.training.shape == [features], "\(splits.training.encoding!.featureNames)")
    #expect(splits.training.encoding!.classLabels == ["no", "yes"])
    let described = try #require(try Dataset.describe(path).columns)
    #expect(described.last { $0.kind != nil }?.use == "the target, 2 classes")
  }
}
