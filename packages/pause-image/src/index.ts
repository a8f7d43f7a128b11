export type { PauseArchitecture } from "./architecture.js";
export { pauseArchitecture } from "./architecture.js";
export type { PauseImage } from "./pause-image.js";
export { pauseImage } from "./pause-image.js";
export type { PauseImageErrorCode } from "./pause-image-error.js";
export { PauseImageError } from "./pause-image-error.js";
