import Evenkeel
