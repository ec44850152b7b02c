import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
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

  it('runs a command as a principal, and exits with the code of the command', async () => {
    const script = 'console.log(process.env.CREDENCE_IDP_CLIENT_ID); process.exitCode = 7';
    const { lines, stderr, ends } = sandboxProgram('--env', 'triage-bot', '--', process.execPath, '-e', script);
    expect(await nextLine(lines)).toBe('triage-bot');
    await expect(ends()).resolves.toEqual({ code: 7, signal: null });
    expect(stderr.join('')).toBe('');
  }, 30_000);

  it('starts the world of a configuration file, with the module of a server beside the file', async () => {
    const config = fileURLToPath(new URL('testing/world.json', import.meta.url));
    const { child, lines, ends } = sandboxProgram('--json', '--config', config);
    const started = JSON.parse(await nextLine(lines)) as {
      servers: Record<string, { tools: unknown }>;
      principals: { name: string }[];
      envFiles: Record<string, string>;
    };
    expect(started.servers).toMatchObject({ notes: { tools: { list_notes: 'notes:read' } } });
    expect(started.principals).toMatchObject([{ name: 'my bot', grants: { notes: { default: ['notes:read'] } } }]);
    const file = started.envFiles['my bot'] ?? '';
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toMatch(/^export CREDENCE_IDP_ISSUER='http/u);
    child.kill('SIGTERM');
    await expect(ends()).resolves.toEqual({ code: 0, signal: null });
    expect(existsSync(file)).toBe(false);
  }, 30_000);

  it('says what is wrong in a configuration file', async () => {
    const config = fileURLToPath(new URL('testing/start-and-close.ts', import.meta.url));
    const { stderr, ends } = sandboxProgram('--config', `${config}.missing.json`);
    await expect(ends()).resolves.toMatchObject({ code: 1 });
    expect(stderr.join('')).toMatch(/missing\.json cannot be read/u);
  }, 30_000);

  it('refuses an unknown principal, and says how to get help', async () => {
    const { stderr, ends } = sandboxProgram('--principal', 'nobody');
    await expect(ends()).resolves.toMatchObject({ code: 2 });
    expect(stderr.join('')).toMatch(/no principal "nobody"[\s\S]*Usage:.*--help/u);
    expect(stderr.join('').trimEnd().split('\n')).toHaveLength(2);
  }, 30_000);
});
