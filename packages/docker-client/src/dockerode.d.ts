// The classes of dockerode that are used here, one file each, as far as they are used. They resolve
// with whatever the modem hands over. (@types/dockerode describes the whole package only, and
// brings the types of an SSH client and of an older Node along.)

declare module "dockerode/lib/container.js" {
  type Modem = import("./modem.js").Modem;
  type Query = Readonly<Record<string, unknown>>;

  class Container {
    constructor(modem: Modem, id: string);
    changes(): Promise<unknown>;
    createCheckpoint(body: object): Promise<unknown>;
    exec(body: object): Promise<{ readonly id: string }>;
    inspect(query: Query): Promise<unknown>;
    kill(query: Query): Promise<unknown>;
    pause(): Promise<unknown>;
    putArchive(file: import("node:stream").Readable | Uint8Array, query: Query): Promise<unknown>;
    remove(query: Query): Promise<unknown>;
    rename(query: Query): Promise<unknown>;
    resize(query: Query): Promise<unknown>;
    start(): Promise<unknown>;
    stop(query: Query): Promise<unknown>;
    top(query: Query): Promise<unknown>;
    unpause(): Promise<unknown>;
    update(body: object): Promise<unknown>;
    wait(query: Query): Promise<unknown>;
  }
  export = Container;
}

declare module "dockerode/lib/exec.js" {
  class Exec {
    constructor(modem: import("./modem.js").Modem, id: string);
    inspect(): Promise<unknown>;
    resize(query: Readonly<Record<string, unknown>>): Promise<unknown>;
  }
  export = Exec;
}

declare module "dockerode/lib/image.js" {
  class Image {
    constructor(modem: import("./modem.js").Modem, name: string);
    history(): Promise<unknown>;
    inspect(): Promise<unknown>;
    remove(query: Readonly<Record<string, unknown>>): Promise<unknown>;
    tag(query: Readonly<Record<string, unknown>>): Promise<unknown>;
  }
  export = Image;
}
