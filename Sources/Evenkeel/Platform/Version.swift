/// The version of Evenkeel, as the command prints it and stored runs hold it.
public let evenkeelVersion = "0.1.0"
