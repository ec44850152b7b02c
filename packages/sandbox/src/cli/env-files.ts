import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportLines } from './exports.ts';

/**
 * Writes the configuration of each principal into a file that a shell can read with `.`, in a temporary folder that only this user
 * can read. The folder is deleted when this process exits; the secrets in it are of no use after that.
 * @returns the path of each file, by principal.
 */
export function writeEnvFiles(
  principals: readonly { readonly name: string; readonly env: Readonly<Record<string, string>> }[],
): ReadonlyMap<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'credence-sandbox-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return new Map(
    principals.map(({ name, env }) => {
      const file = join(folder, `${encodeURIComponent(name)}.env`);
      writeFileSync(file, exportLines(env), { mode: 0o600 });
      return [name, file];
    }),
  );
}
