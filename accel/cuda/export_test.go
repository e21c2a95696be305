package cuda

// RaceDetector says that it is built in.
const RaceDetector = underRace
