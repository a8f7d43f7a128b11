import type { OrNull } from "./call-options.js";
import type { ContainerConfig } from "./container-create-types.js";

/** One entry of `GET /images/json`. */
export interface ImageSummary {
  /** `sha256:…` */
  Id: string;
  ParentId: string;
  /** `name:tag`; null, empty or `<none>:<none>` for an image without a name. */
  RepoTags: string[] | null;
  /** `name@sha256:…` */
  RepoDigests: string[] | null;
  /** Unix time in seconds. */
  Created: number;
  /** Bytes. */
  Size: number;
  /** Bytes shared with other images, -1 when not asked for. */
  SharedSize: number;
  Labels: Record<string, string> | null;
  /** Containers that use it, -1 when not computed. */
  Containers: number;
}

/** Reply of `GET /images/{name}/json`. */
export interface ImageInspect {
  Id: string;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  Parent?: string;
  Comment?: string;
  /** RFC 3339; may be empty for images without a date. */
  Created?: string;
  Author?: string;
  Architecture: string;
  Variant?: string;
  Os: string;
  /** Bytes. */
  Size: number;
  GraphDriver?: { Name: string; Data: Record<string, string> | null } | null;
  RootFS: { Type: string; Layers?: string[] | null };
  Metadata?: { LastTagTime?: string };
  Config: OrNull<ContainerConfig> | null;
}

/** One layer of `GET /images/{name}/history`. */
export interface ImageHistoryEntry {
  Id: string;
  /** Unix time in seconds. */
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  /** Bytes. */
  Size: number;
  Comment: string;
}

/** One entry of the reply of `DELETE /images/{name}`. */
export interface ImageRemoval {
  Untagged?: string;
  Deleted?: string;
}

/** One line of the progress of a pull. */
export interface PullProgress {
  /** Such as `Pulling fs layer`, `Downloading`, `Extracting`, `Pull complete`. */
  status?: string;
  /** Short layer id, or the tag. */
  id?: string;
  /** Bytes of the current step. */
  progressDetail?: { current?: number; total?: number };
  /** For people. */
  progress?: string;
}
