import EvenkeelServer
import Testing
