import CSVScan
import Glibc

/// Cells that differ, found by their bytes.
struct DistinctCells: Sendable {
  /// So many at most have codes.
  private static let most = 1 << 16

  private(set) var cells: [ek_cell] = []
  /// Places among `cells`, from 1, by hash; 0 where there is none.
  private var slots = [Int32](repeating: 0, count: 16)

  /// The place of `cell`, or of one like it that was there before; nil if it would be one too many.
  mutating func code(of cell: ek_cell, in places: TableRows) -> UInt16? {
    let bytes = places.bytes(of: cell)
    var slot = Self.hash(bytes) & (slots.count - 1)
    while slots[slot] > 0 {
      let place = Int(slots[slot]) - 1
      if Self.areAlike(cells[place], cell, bytes, places) { return UInt16(place) }
      slot = (slot + 1) & (slots.count - 1)
    }
    guard cells.count < Self.most else { return nil }
    cells.append(cell)
    slots[slot] = Int32(cells.count)
    if 2 * cells.count > slots.count { grow(places) }
    return UInt16(cells.count - 1)
  }

  private static func areAlike(
    _ one: ek_cell, _ other: ek_cell, _ bytes: UnsafeRawBufferPointer, _ places: TableRows
  ) -> Bool {
    one.length == other.length && one.kind == other.kind && one.is_escaped == other.is_escaped
      && (bytes.isEmpty || memcmp(places.bytes(of: one).baseAddress!, bytes.baseAddress!, bytes.count) == 0)
  }

  private mutating func grow(_ places: TableRows) {
    slots = [Int32](repeating: 0, count: 4 * slots.count)
    for (place, cell) in cells.enumerated() {
      var slot = Self.hash(places.bytes(of: cell)) & (slots.count - 1)
      while slots[slot] > 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(place + 1)
    }
  }

  /// FNV-1a, its upper bits mixed into the lower ones.
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
