/** A sandbox of the model. */
export interface ModelPod {
  readonly id: string;
  readonly key: string;
  /** Its process runs, and it is on the network. */
  ready: boolean;
}

/** A container of the model. */
export interface ModelContainer {
  readonly id: string;
  readonly name: string;
  /** What the engine's name for it is made from, of which there can be one. */
  readonly key: string;
  readonly podId: string;
  /** One that is `failed` could not be started: to the engine it is created still, to CRI it has ended. */
  state: "created" | "running" | "exited" | "failed";
}

/** What there should be: the CRI's lifecycle in a few lines, without an engine. */
export class Reference {
  readonly pods = new Map<string, ModelPod>();
  readonly containers = new Map<string, ModelContainer>();

  podOf(key: string): ModelPod | undefined {
    return [...this.pods.values()].find((pod) => pod.key === key);
  }

  containersOf(podId: string): ModelContainer[] {
    return [...this.containers.values()].filter((container) => container.podId === podId);
  }

  /** Whether RunPodSandbox makes a new sandbox, in place of one that is not ready. */
  runsAnew(key: string): boolean {
    return this.podOf(key)?.ready !== true;
  }

  ran(key: string, id: string): void {
    const before = this.podOf(key);
    if (before !== undefined) this.removedPod(before.id);
    this.pods.set(id, { id, key, ready: true });
  }

  /** Its process has ended, and with it all of its process namespace. One that was never started stays so. */
  stoppedPod(id: string): void {
    const pod = this.pods.get(id);
    if (pod !== undefined) pod.ready = false;
    for (const container of this.containersOf(id)) this.stopped(container.id);
  }

  removedPod(id: string): void {
    for (const container of this.containersOf(id)) this.containers.delete(container.id);
    this.pods.delete(id);
  }

  /** Why CreateContainer is refused; undefined when it is not. */
  refusalToCreate({ ready, key }: ModelPod, name: string): string | undefined {
    if (!ready) return "FAILED_PRECONDITION";
    const holder = this.holderOf(`${key}/${name}`);
    return holder?.state === "running" ? "ALREADY_EXISTS" : undefined;
  }

  /** What had the name and did not run is replaced. */
  created({ id: podId, key: podKey }: ModelPod, name: string, id: string): void {
    const key = `${podKey}/${name}`;
    const holder = this.holderOf(key);
    if (holder !== undefined) this.containers.delete(holder.id);
    this.containers.set(id, { id, name, key, podId, state: "created" });
  }

  /** Why StartContainer is refused; one that joins no running sandbox the engine refuses. */
  refusalToStart({ podId, state }: ModelContainer): string | undefined {
    if (state === "running" || state === "exited") return "FAILED_PRECONDITION";
    return this.pods.get(podId)?.ready === true ? undefined : "INTERNAL";
  }

  stopped(id: string): void {
    const container = this.containers.get(id);
    if (container?.state === "running") container.state = "exited";
  }

  holderOf(key: string): ModelContainer | undefined {
    return [...this.containers.values()].find((container) => container.key === key);
  }
}
