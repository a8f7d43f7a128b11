// Everything here is generated, so a hand-kept list of its 360 names could only
// fall behind; the check against upstream guards what the file contains.
export * from "./gen/runtime/v1/api_pb.js";
