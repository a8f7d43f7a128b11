/** What the unit and the integration runs have in common: ESM through swc. */
export const shared = {
  rootDir: import.meta.dirname,
  roots: [
    "<rootDir>/packages",
    "<rootDir>/lab",
    "<rootDir>/conformance",
    "<rootDir>/e2e",
    "<rootDir>/packaging",
    "<rootDir>/scripts",
  ],
  testEnvironment: "node",
  testRegex: "\\.test\\.ts$",
  testPathIgnorePatterns: ["/node_modules/", "/dist/"],
  modulePathIgnorePatterns: ["/dist/"],
  extensionsToTreatAsEsm: [".ts"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      {
        jsc: { parser: { syntax: "typescript" }, target: "es2024" },
        module: { type: "es6" },
        sourceMaps: "inline",
      },
    ],
  },
};
