import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { startSandbox } from './start-sandbox.ts';

const run = promisify(execFile);

describe('closing the sandbox', () => {
  it('lets the process exit by itself, and prints nothing to stderr', async () => {
    const program = fileURLToPath(new URL('testing/start-and-close.ts', import.meta.url));
    // if the program does not exit by itself, the timeout fails the test
    const { stdout, stderr } = await run(process.execPath, ['--import', 'tsx', program], { timeout: 30_000 });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ found: true, stream: 200, streamThen: 'cut' });
  }, 40_000);

  it('closes every port, and can be repeated', async () => {
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
