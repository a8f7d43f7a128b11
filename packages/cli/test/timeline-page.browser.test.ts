import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Browser, chromium } from "playwright-core";
import { runDockershim } from "./run-dockershim.js";
import { startSampleRuntime } from "./sample-runtime.js";

// The page of `dockershim timeline --html`, as a browser shows it.

let browser: Browser;
let dir: string;
let page: string;

beforeAll(async () => {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) {
    throw new Error(`there is no ${executablePath}: apt-get install chromium, or set CHROMIUM`);
  }
  dir = await mkdtemp(join(tmpdir(), "cli-page-"));
  const runtime = await startSampleRuntime();
  const { stdout } = await runDockershim(runtime.endpoint, ["timeline", "front", "--html"]);
  await runtime.close();
  page = join(dir, "timeline.html");
  await writeFile(page, stdout);
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser?.close();
  await rm(dir, { recursive: true });
});

describe.each([360, 800, 1440])("on %d pixels", (width) => {
  test.each(["light", "dark"] as const)(
    "it fits, and can be read, when %s",
    async (colorScheme) => {
      const tab = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      const asked: string[] = [];
      const complaints: string[] = [];
      tab.on("request", (request) => asked.push(request.url()));
      tab.on("console", (message) => complaints.push(message.text()));
      await tab.goto(`file://${page}`);
      const seen = await tab.evaluate(() => {
        const boxOf = (element: Element) => {
          const { left, right, top, bottom, width } = element.getBoundingClientRect();
          return { left, right, top, bottom, width };
        };
        const rows = [...document.querySelectorAll("li")].map((row) => ({
          name: row.querySelector(".name")?.textContent ?? "",
          text: [...row.querySelectorAll(".name, .at, .took")].map(boxOf),
          track: boxOf(row.querySelector(".track") as Element),
          bar: boxOf(row.querySelector(".track i") as Element),
          colour: getComputedStyle(row.querySelector(".name") as Element).color,
          barColour: getComputedStyle(row.querySelector(".track i") as Element).backgroundColor,
        }));
        return {
          scrolls: document.documentElement.scrollWidth - window.innerWidth,
          paper: getComputedStyle(document.body).backgroundColor,
          rows,
        };
      });
      await tab.close();
      expect({ asked: asked.length, complaints }).toEqual({ asked: 1, complaints: [] });
      // No scrolling sideways, and no row without its bar.
      expect(seen.scrolls).toBeLessThanOrEqual(0);
      expect(seen.rows.map(({ name }) => name)).toContain("cni ADD bridge");
      for (const { text, track, bar, colour, barColour } of seen.rows) {
        expect(track.width).toBeGreaterThan(width < 640 ? 200 : 150);
        expect(bar.width).toBeGreaterThanOrEqual(2);
        // What is at the end may reach over it by half of a mark.
        expect(bar.left).toBeGreaterThanOrEqual(track.left - 8);
        expect(bar.right).toBeLessThanOrEqual(track.right + 8);
        // Texts lie beside each other, and beside or above the bar.
        for (const [index, box] of text.entries()) {
          const next = text[index + 1];
          if (next) expect(box.right).toBeLessThanOrEqual(next.left + 1);
          if (width < 640) expect(box.bottom).toBeLessThanOrEqual(track.top + 9);
        }
        expect(contrast(colour, seen.paper)).toBeGreaterThan(4.5);
        expect(contrast(barColour, seen.paper)).toBeGreaterThan(1.3);
      }
      expect(luminance(seen.paper) > 0.5).toBe(colorScheme === "light");
    },
  );
});

/** By the formula of WCAG 2. */
function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
