import { closestMatch } from "leven";

/** What a person may have meant by a word that is none of these; as config files, within a few letters. */
export function suggestName(word: string, names: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(word.length / 3));
  const candidates = [...new Set(names)].filter((name) => name !== "" && name !== word);
  return closestMatch(word, candidates, { maxDistance: most });
}
