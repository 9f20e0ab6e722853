/// Collects what a type encodes in `node`.
struct JSONLineEncoder: Encoder {
  let node: JSONNode
  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(JSONObject(node: node))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    node.content = .array([])
    return JSONArray(node: node)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { JSONValue(node: node) }
}

private struct JSONObject<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let node: JSONNode
  let codingPath: [any CodingKey] = []

  private func appended(_ key: some CodingKey) -> JSONNode {
    let child = JSONNode()
    node.append(child, key.stringValue)
    return child
  }

  func encodeNil(forKey key: Key) { appended(key).content = .text("null") }

  func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
    node.append(try JSONNode(value), key.stringValue)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    JSONLineEncoder(node: appended(key)).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    JSONLineEncoder(node: appended(key)).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { JSONLineEncoder(node: node) }
  func superEncoder(forKey key: Key) -> any Encoder { JSONLineEncoder(node: appended(key)) }
}

private struct JSONArray: UnkeyedEncodingContainer {
  let node: JSONNode
  let codingPath: [any CodingKey] = []

  var count: Int { if case .array(let elements) = node.content { elements.count } else { 0 } }

  private func appended() -> JSONNode {
    let child = JSONNode()
    node.append(child)
    return child
  }

  func encodeNil() { appended().content = .text("null") }
  func encode<Value: Encodable>(_ value: Value) throws { node.append(try JSONNode(value)) }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    JSONLineEncoder(node: appended()).container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { JSONLineEncoder(node: appended()).unkeyedContainer() }
  func superEncoder() -> any Encoder { JSONLineEncoder(node: appended()) }
}

private struct JSONValue: SingleValueEncodingContainer {
  let node: JSONNode
  let codingPath: [any CodingKey] = []

  func encodeNil() { node.content = .text("null") }
  func encode<Value: Encodable>(_ value: Value) throws { node.content = try JSONNode(value).content }
}
