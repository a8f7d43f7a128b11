export * from "./gen/dockershim/v1/timelines_pb.js";
