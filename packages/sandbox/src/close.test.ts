import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { startSandbox } from './start-sandbox.ts';

const run = promisify(execFile);

describe('closing the sandbox', () => {
  it('leaves nothing that would keep a process alive, and a terminal clean', async () => {
    const program = fileURLToPath(new URL('testing/start-and-close.ts', import.meta.url));
    // The program ends by itself, or the timeout makes this fail.
    const { stdout, stderr } = await run(process.execPath, ['--import', 'tsx', program], { timeout: 30_000 });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ found: true, stream: 200, streamThen: 'cut' });
  }, 40_000);

  it('frees every port, and may be done twice', async () => {
    const sandbox = await startSandbox();
    const urls = [
      sandbox.idp.jwksUri,
      ...Object.values(sandbox.authorizationServers).map(({ jwksUri }) => jwksUri),
      ...Object.values(sandbox.servers).map(({ url }) => url),
    ];
    expect(new Set(urls.map((url) => new URL(url).port)).size).toBe(6);
    await expect(Promise.all(urls.map(async (url) => (await fetch(url)).status))).resolves.toEqual([
      200, 200, 200, 401, 401, 401,
    ]);
    await Promise.all([sandbox.close(), sandbox.close()]);
    for (const url of urls) await expect(fetch(url)).rejects.toThrow();
  });
});
