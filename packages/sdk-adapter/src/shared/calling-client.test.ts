import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { afterRefusal } from './calling-client.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'calling-client-'));
});

afterAll(async () => {
  await rm(root, { recursive: true });
});

/** Installs a package that consists of its package.json, and returns its folder. */
async function installed(folder: string, manifest: object | string): Promise<string> {
  const path = join(root, 'node_modules', folder);
  await mkdir(path, { recursive: true });
  const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
  await writeFile(join(path, 'package.json'), text);
  return path;
}

const stack = (...places: readonly string[]) =>
  ['Error: called by', '    at PrincipalAuthProvider.tokens (/app/auth-provider.js:1:1)', ...places].join('\n');

describe('afterRefusal', () => {
  it.each([
    { name: '@modelcontextprotocol/sdk', version: '1.20.2', expected: 'fails' },
    { name: '@modelcontextprotocol/sdk', version: '1.23.1', expected: 'fails' },
    { name: '@modelcontextprotocol/sdk', version: '1.24.0', expected: 'sends-again' },
    { name: '@modelcontextprotocol/sdk', version: '1.32.2', expected: 'sends-again' },
    { name: '@modelcontextprotocol/sdk', version: '2.0.0', expected: 'unknown' },
    { name: '@modelcontextprotocol/client', version: '2.0.0', expected: 'sends-again' },
    { name: '@ai-sdk/mcp', version: '1.0.102', expected: 'fails' },
  ])('knows that $name $version $expected, by its package.json', async ({ name, version, expected }) => {
    const folder = await installed(`alias-of-${name.replace('/', '-')}-${version}`, { name, version });
    const file = join(folder, 'dist/index.js');
    expect(afterRefusal(stack(`    at Transport._commonHeaders (${file}:60:45)`))).toBe(expected);
    expect(afterRefusal(stack(`    at async Transport.send (${pathToFileURL(file).href}:60:45)`))).toBe(expected);
  });

  it('takes the first client on the stack, and no package that is none', async () => {
    const other = await installed('@scope/framework', { name: '@scope/framework', version: '9.0.0' });
    const client = await installed('client', { name: '@modelcontextprotocol/client', version: '2.4.0' });
    const later = await installed('later', { name: '@ai-sdk/mcp', version: '2.0.0' });
    const places = [other, client, later].map((folder) => `    at run (${join(folder, 'index.js')}:1:1)`);
    expect(afterRefusal(stack(...places))).toBe('sends-again');
  });

  it('does not know a bundled client, and a package.json that cannot be read', async () => {
    expect(afterRefusal(stack('    at HttpMCPTransport.commonHeaders (/app/bundle.js:1:1)'))).toBe('unknown');
    expect(afterRefusal(stack('    at async t._commonHeaders (/app/bundle.js:1:1)'))).toBe('unknown');
    const folder = await installed('broken', 'no json');
    expect(afterRefusal(stack(`    at t._commonHeaders (${join(folder, 'index.js')}:1:1)`))).toBe('unknown');
  });

  it.each([undefined, '', stack('    at application (/app/index.js:1:1)')])(
    'sees code that is no client: %j',
    (text) => {
      expect(afterRefusal(text)).toBe('no-client');
    },
  );
});
