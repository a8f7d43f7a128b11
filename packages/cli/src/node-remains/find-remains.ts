import { messageOf } from "../cli-error.js";
import type { OpenNode } from "../node/open-node.js";
import type { Remain, RemainKindName } from "./remain.js";
import { allRemainKinds, type RemainKind } from "./remain-kinds.js";

/** What was found of a kind. */
export interface FoundRemains {
  readonly kind: RemainKind;
  readonly remains: readonly Remain[];
  /** Why it was not looked at; undefined when it was. */
  readonly skipped: string | undefined;
}

/**
 * Looks for what is left on the node. Nothing is changed.
 *
 * @param olderThan Milliseconds since the epoch; what has changed since then is kept.
 */
export async function findRemains(
  node: OpenNode,
  names: readonly RemainKindName[],
  olderThan: number,
): Promise<FoundRemains[]> {
  const found: FoundRemains[] = [];
  for (const kind of allRemainKinds.filter(({ name }) => names.includes(name))) {
    const outcome = await look(node, kind, olderThan);
    if ("skipped" in outcome) {
      found.push({ kind, remains: [], skipped: outcome.skipped });
      continue;
    }
    const remains = await Promise.all(
      outcome.map(async (remain) =>
        kind.measure === undefined
          ? remain
          : // What goes while it is measured has no size.
            { ...remain, size: await kind.measure(remain, node).catch(() => undefined) },
      ),
    );
    found.push({ kind, remains, skipped: undefined });
  }
  return found;
}

async function look(
  node: OpenNode,
  kind: RemainKind,
  olderThan: number,
): ReturnType<RemainKind["find"]> {
  try {
    return await kind.find(node, olderThan);
  } catch (error) {
    return { skipped: messageOf(error) };
  }
}

/** What came of a removal; neither removed nor failed is what somebody wants again. */
export interface RemovalOutcome {
  readonly removed: boolean;
  readonly error?: string;
}

/** Removes something after it was looked at again. */
export async function removeRemain(
  node: OpenNode,
  kind: RemainKind,
  remain: Remain,
  olderThan: number,
): Promise<RemovalOutcome> {
  try {
    const now = await kind.find(node, olderThan);
    if ("skipped" in now) return { removed: false, error: now.skipped };
    if (!now.some(({ id }) => id === remain.id)) return { removed: false };
    await kind.remove(node, remain);
    return { removed: true };
  } catch (error) {
    return { removed: false, error: messageOf(error) };
  }
}
