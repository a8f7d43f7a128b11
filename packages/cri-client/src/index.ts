export { type CriClient, type CriClientOptions, createCriClient } from "./create-cri-client.js";
export { CriClientError, type CriErrorCode, type UnavailableReason } from "./cri-client-error.js";
export { parseEndpoint } from "./endpoint.js";
