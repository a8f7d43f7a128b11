import type { PodTimeline } from "@dockershim/cri-types/timelines";
import { formatMs, type Stretch, type TimelineRow } from "./timeline-stretches.js";
import { podTitle, rowTitle } from "./timeline-text.js";

/** A page with the same as a picture; it asks nothing of any network, and is light or dark as the reader's system is. */
export function timelineHtml(
  pods: readonly { readonly pod: PodTimeline; readonly stretches: readonly Stretch[] }[],
): string {
  const body = pods
    .map(
      ({ pod, stretches }) => `<h1>${escapeHtml(podTitle(pod))}</h1>
${pod.forgotten > 0 ? `<p>${pod.forgotten} calls in between are not kept any more.</p>\n` : ""}${stretches.map(section).join("")}`,
    )
    .join("");
  const title = pods[0] === undefined ? "timeline" : podTitle(pods[0].pod);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
<main>
${body}<p class="key"><i class="call"></i> call of CRI <i class="span"></i> asked of Docker or CNI <i class="wait"></i> until the next call <i class="mark"></i> moment <i class="failed"></i> failed</p>
</main>
</html>
`;
}

function section({ title, startedAt, duration, rows }: Stretch): string {
  const time = new Date(startedAt).toISOString();
  return `<section>
<h2>${escapeHtml(title)} <time datetime="${time}">${time.replace("T", " ").slice(0, 23)} UTC</time> <b>${formatMs(duration)}</b></h2>
<ol>
${rows.map((row) => item(row, duration)).join("\n")}
</ol>
</section>
`;
}

function item(row: TimelineRow, whole: number): string {
  const { kind, offset, duration, error } = row;
  const percent = (ms: number): string => `${(whole > 0 ? (ms / whole) * 100 : 0).toFixed(2)}%`;
  const length = Math.max(0, Math.min(duration ?? whole - offset, whole - offset));
  const classes = error === "" ? kind : `${kind} failed`;
  const took = kind === "mark" ? "" : formatMs(duration);
  const why = error === "" || kind === "span" ? "" : `<em>${escapeHtml(error)}</em>`;
  return `<li class="${classes}"><span class="name">${escapeHtml(rowTitle(row))}</span><span class="track"><i style="left:${percent(offset)};width:${percent(length)}"></i></span><span class="at">${formatMs(offset)}</span><span class="took">${took}</span>${why}</li>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);
}

const style = `
:root{--ink:#1c2430;--soft:#5b6675;--paper:#fff;--line:#dde3ea;--call:#1668b8;--span:#67a5de;--wait:#c9d1da;--mark:#1c8a4b;--failed:#c62f2f}
@media (prefers-color-scheme:dark){:root{--ink:#e4e9f0;--soft:#98a4b3;--paper:#141a21;--line:#2b3540;--call:#5aa9f0;--span:#2f6ea8;--wait:#3c4855;--mark:#46c07c;--failed:#f0716b}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:0 auto;padding:1rem}
h1{font-size:1.25rem;overflow-wrap:anywhere}
h2{font-size:1rem;margin:1.5rem 0 .5rem}
h2 time{font-weight:400;color:var(--soft);margin:0 .5rem}
ol{list-style:none;margin:0;padding:0}
li{display:grid;grid-template-columns:minmax(10rem,17rem) 1fr 4.5rem 4.5rem;gap:.5rem;align-items:center;padding:.15rem 0;border-top:1px solid var(--line)}
.name{overflow-wrap:anywhere}
li.span .name{padding-left:1.25rem;color:var(--soft)}
li.wait .name{color:var(--soft);font-style:italic}
.track{position:relative;height:.9rem}
.track i{position:absolute;top:0;bottom:0;min-width:2px;border-radius:2px;background:var(--call)}
li.span .track i{top:.2rem;bottom:.2rem;background:var(--span)}
li.wait .track i{background:var(--wait)}
li.mark .track i{width:.6rem!important;margin-left:-.3rem;background:var(--mark);transform:rotate(45deg);height:.6rem;top:.15rem}
li.failed .track i{background:var(--failed)}
.at,.took{text-align:right;font-variant-numeric:tabular-nums}
.at{color:var(--soft)}
em{grid-column:1/-1;color:var(--failed);font-style:normal;overflow-wrap:anywhere}
.key{color:var(--soft);font-size:.85rem}
.key i{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin:0 .25rem 0 .75rem;vertical-align:-.1rem;background:var(--call)}
.key i.span{background:var(--span)}.key i.wait{background:var(--wait)}.key i.mark{background:var(--mark)}.key i.failed{background:var(--failed)}
@media (max-width:40rem){li{grid-template-columns:1fr 4.5rem 4.5rem}.track{grid-column:1/-1;grid-row:2}em{grid-row:3}}
`;
