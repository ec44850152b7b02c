import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { CLIENT_INFO } from './shared/client-info.ts';
import { emaCapabilities } from './shared/ema-capabilities.ts';

const V1 = '@modelcontextprotocol/sdk';
const V2 = '@modelcontextprotocol/client';

/** The packages that a source file imports, directly or through other files of this package. */
async function importsOf(file: URL, seen = new Set<string>()): Promise<Set<string>> {
  const packages = new Set<string>();
  if (seen.has(file.href)) return packages;
  seen.add(file.href);
  const source = await readFile(file, 'utf8');
  for (const [, specifier = ''] of source.matchAll(/from '([^']+)'/gu)) {
    const found = specifier.startsWith('.') ? await importsOf(new URL(specifier, file), seen) : [specifier];
    for (const name of found) packages.add(name);
  }
  return packages;
}

describe('the package', () => {
  it.each([
    { entry: './index.ts', own: V1, other: V2 },
    { entry: './v2.ts', own: V2, other: V1 },
  ])('imports in $entry only the SDK $own', async ({ entry, own, other }) => {
    const names = [...(await importsOf(new URL(entry, import.meta.url)))];
    expect(names.some((name) => name.startsWith(own))).toBe(true);
    expect(names.filter((name) => name.startsWith(other))).toEqual([]);
    // The root entry of SDK v1 would also load its server code.
    expect(names).not.toContain(V1);
  });

  it('sends its own version in the client info', async () => {
    const manifest: { version: string } = JSON.parse(
      await readFile(new URL('../package.json', import.meta.url), 'utf8'),
    );
    expect(CLIENT_INFO).toEqual({ name: 'credence', version: manifest.version });
  });

  it('exports capabilities that are frozen', () => {
    expect(() => Object.assign(emaCapabilities.extensions, { more: {} })).toThrow(TypeError);
  });
});
