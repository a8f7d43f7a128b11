import { Event } from "./gen/nri/pkg/api/v1alpha1/api_pb.js";

/** The bits of all events that there are. */
const allEvents: number = (1 << (Event.LAST - 1)) - 1;

/** The events of a mask; 0 stands for all. Undefined when it has a bit that stands for none. */
export function eventsOf(mask: number): number | undefined {
  if ((mask & ~allEvents) !== 0) return undefined;
  return mask === 0 ? allEvents : mask;
}

/** Whether a mask has an event. */
export function hasEvent(mask: number, event: Event): boolean {
  return (mask & (1 << (event - 1))) !== 0;
}

/** The mask of some events, as a plugin asks for them. */
export function maskOf(events: Iterable<Event>): number {
  let mask = 0;
  for (const event of events) mask |= 1 << (event - 1);
  return mask;
}
