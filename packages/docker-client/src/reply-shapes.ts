import type { ReplyShape } from "./reply-shape.js";

// What whoever asks cannot do without. What engines leave out, or send as null, is not in here.

/** Longest inspect that is read: labels, commands and environments are in it. */
export const maxInspectBytes: number = 32 * 1024 * 1024;

export const createdShape: ReplyShape = { Id: "string", Warnings: "object?" };

export const containerInspectShape: ReplyShape = {
  Id: "string",
  Name: "string",
  Created: "string",
  Image: "string",
  State: { Status: "string", Pid: "number", ExitCode: "number" },
  Config: { Labels: "object?" },
  HostConfig: "object",
  NetworkSettings: "object",
  Mounts: "object?",
};

export const containerListShape: ReplyShape = [
  { Id: "string", State: "string", Created: "number", Names: "object?", Labels: "object?" },
];

export const imageInspectShape: ReplyShape = {
  Id: "string",
  RepoTags: "object?",
  RepoDigests: "object?",
  Size: "number",
  Config: "object?",
};

export const imageListShape: ReplyShape = [
  { Id: "string", RepoTags: "object?", RepoDigests: "object?", Size: "number", Labels: "object?" },
];

export const execCreatedShape: ReplyShape = { Id: "string" };

export const execInspectShape: ReplyShape = {
  ContainerID: "string",
  Running: "boolean",
  ExitCode: "number?",
  Pid: "number",
};

export const waitShape: ReplyShape = { StatusCode: "number" };

export const versionShape: ReplyShape = {
  Version: "string",
  ApiVersion: "string",
  MinAPIVersion: "string?",
};

export const infoShape: ReplyShape = {
  DockerRootDir: "string",
  Driver: "string",
  Runtimes: "object?",
  SecurityOptions: "object?",
};
