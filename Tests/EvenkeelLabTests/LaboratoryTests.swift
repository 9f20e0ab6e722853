import EvenkeelLab
import Testing

@Suite struct LaboratoryTests {
  @Test func rulesHaveAVersion() { #expect(Laboratory.rulesVersion >= 1) }
}
