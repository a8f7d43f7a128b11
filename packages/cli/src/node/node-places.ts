/** Where the node's files are, and how its programs are found. */
export interface NodePlaces {
  /** The node's files are below it; empty for the node itself. */
  readonly root: string;
  /** `/proc` */
  readonly procDir: string;
  /** $PATH */
  readonly path: string;
}
