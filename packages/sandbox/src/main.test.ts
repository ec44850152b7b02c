import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const running: ReturnType<typeof spawn>[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

function sandboxProgram(...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  const stderr: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk.toString()));
  return {
    child,
    lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
    stderr,
    ends: async (): Promise<{ code: number | null; signal: string | null }> => {
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
      return { code, signal };
    },
  };
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value } = (await lines.next()) as { value: string };
  return value;
}

describe('npm run sandbox', () => {
  it('prints the servers, then each decision, and exits with code 0 on SIGTERM', async () => {
    const { child, lines, stderr, ends } = sandboxProgram('--json', '--env', 'reporting-bot');
    const started = JSON.parse(await nextLine(lines)) as {
      idp: { tokenEndpoint: string };
      env: Record<string, string>;
    };
    expect(started.env).toMatchObject({ CREDENCE_IDP_CLIENT_ID: 'reporting-bot' });

    const refused = await fetch(started.idp.tokenEndpoint, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'triage-bot-secret',
        client_secret: 'x',
      }),
    });
    expect(refused.status).toBe(401);
    expect(JSON.parse(await nextLine(lines))).toMatchObject({ where: 'idp', principal: 'triage-bot', granted: false });

    child.kill('SIGTERM');
    await expect(ends()).resolves.toEqual({ code: 0, signal: null });
    expect(stderr.join('')).toBe('');
  }, 30_000);

  it('prints only the export lines on standard output with --env', async () => {
    const { child, lines, stderr, ends } = sandboxProgram('--env', 'triage-bot');
    const exports = [await nextLine(lines), await nextLine(lines)];
    expect(exports).toEqual([
      expect.stringMatching(/^export CREDENCE_IDP_ISSUER='http/u),
      "export CREDENCE_IDP_CLIENT_ID='triage-bot'",
    ]);
    child.kill('SIGINT');
    await expect(ends()).resolves.toEqual({ code: 0, signal: null });
    expect(stderr.join('')).toContain('Identity provider');
  }, 30_000);

  it('refuses an unknown principal, and prints the usage', async () => {
    const { stderr, ends } = sandboxProgram('--principal', 'nobody');
    await expect(ends()).resolves.toMatchObject({ code: 2 });
    expect(stderr.join('')).toMatch(/no principal "nobody"[\s\S]*Usage:/u);
  }, 30_000);
});
