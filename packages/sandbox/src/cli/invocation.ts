import { quoted } from './exports.ts';

/** The shell command that starts this program again, from any folder if possible. */
export function invocation(script: string, env: Readonly<Record<string, string | undefined>>): string {
  if (script.endsWith('.ts')) return 'npm run --silent sandbox --';
  // npm sets this variable for the programs that `npx` starts
  if (env['npm_lifecycle_event'] === 'npx') return 'npx @credence/sandbox';
  return `node ${quoted(script)}`;
}
