# Sourced by the other scripts: puts a Node that runs TypeScript and pnpm on PATH, from npm where the system has none.
# Everything lands in .tools/ of this checkout; nothing global is touched.

NODE_VERSION=24.21.0
PNPM_VERSION=12.21.0
TOOLS="$ROOT/.tools"

say() { printf '%s\n' "dockershim: $*" >&2; }

need_npm() {
  command -v npm >/dev/null 2>&1 && return
  say "this needs Node.js 20 or newer with npm; on Debian: apt-get install nodejs npm"
  exit 1
}

# The version alone does not tell: Debian builds its nodejs without what strips types, whatever its version.
node_runs_typescript() { [ "$(node -p 'process.features.typescript' 2>/dev/null)" = strip ]; }

PATH="$TOOLS/node_modules/node/bin:$TOOLS/node_modules/.bin:$PATH"
export PATH

if ! node_runs_typescript; then
  need_npm
  say "a Node that runs TypeScript (22.18 or newer) is missing; installing node@$NODE_VERSION from npm into .tools/"
  npm install --loglevel=error --no-save --no-package-lock --prefix "$TOOLS" "node@$NODE_VERSION" "pnpm@$PNPM_VERSION" >&2
fi
if [ "$(pnpm --version 2>/dev/null)" != "$PNPM_VERSION" ]; then
  need_npm
  say "pnpm $PNPM_VERSION is missing; installing it from npm into .tools/"
  npm install --loglevel=error --no-save --no-package-lock --prefix "$TOOLS" "pnpm@$PNPM_VERSION" >&2
fi
if ! node_runs_typescript; then
  say "no Node that runs TypeScript could be installed; install one yourself and try again"
  exit 1
fi
