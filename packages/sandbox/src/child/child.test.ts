import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isCredenceError, ServicePrincipal } from '@credence/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SandboxAuditRecord } from '../audit/audit-trail.ts';
import { sandboxTool } from '../servers/sandbox-tool.ts';
import { startSandbox } from '../start-sandbox.ts';
import { connectWithToken } from '../testing/mcp-client.ts';
import type { ChildSandbox } from './child-sandbox.ts';

const MODULE = new URL('../testing/notes-server.ts', import.meta.url);
let sandbox: ChildSandbox<'notes' | 'none', 'bot', 'main'>;
let bot: ServicePrincipal;
const records: SandboxAuditRecord[] = [];

beforeAll(async () => {
  sandbox = await startSandbox({
    process: 'child',
    servers: {
      notes: { module: MODULE, tools: { list_notes: 'notes:read' } },
      none: { url: 'http://127.0.0.1:9/mcp' },
    },
    principals: { bot: {} },
    groups: { crew: ['bot'] },
    grants: { crew: { notes: ['notes:read'] } },
    accessTokenLifetimeSeconds: 60,
  });
  sandbox.audit.subscribe((record) => records.push(record));
  bot = ServicePrincipal.fromEnv(sandbox.principals.bot.env);
});
afterAll(async () => {
  await bot.close();
  await sandbox.close();
});

/** Whether a process with this id exists. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilEnded(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a sandbox in a child process', () => {
  it('serves a bot of this process, with a server from a module', async () => {
    expect(sandbox.pid).not.toBe(process.pid);
    const { client, call } = await connectWithToken(sandbox.servers.notes.url, (await bot.token('notes')).value);
    await expect(call('list_notes')).resolves.toMatchObject({ content: [{ text: 'buy milk' }] });
    await client.close();
    await expect(bot.token('none')).rejects.toMatchObject({ code: 'access_denied' });
  });

  it('resolves to counts and audit records, and passes new records on in order', async () => {
    const before = await sandbox.idp.requests();
    bot.invalidate(await bot.token('notes'));
    await bot.token('notes');
    expect((await sandbox.idp.requests()).total).toBeGreaterThanOrEqual(before.total);
    await expect(sandbox.authorizationServers.main.requests()).resolves.toMatchObject({ token: expect.any(Number) });
    await expect(sandbox.servers.notes.requests()).resolves.toMatchObject({ toolCalls: 1 });
    const all = await sandbox.audit.records();
    expect(all.map(({ leg, granted }) => [leg, granted]).slice(0, 4)).toEqual([
      ['authenticate', true],
      ['exchange', true],
      ['redeem', true],
      ['exchange', false],
    ]);
    expect(records).toEqual(all);
  });

  it('changes the policy, revokes tokens, drops sessions and rotates the key', async () => {
    await sandbox.policy.pauseServer('notes');
    await expect(sandbox.authorizationServers.main.revokeTokens({ principal: 'bot' })).resolves.toBeGreaterThan(0);
    bot.invalidate(await bot.token('notes'));
    await expect(sandbox.policy.snapshot()).resolves.toMatchObject({ servers: { notes: { paused: true } } });
    await expect(sandbox.servers.notes.dropSessions()).resolves.toBe(1);
    await expect(sandbox.idp.rotateSigningKey()).resolves.toEqual(expect.any(String));
    await sandbox.policy.resumeServer('notes');
  });

  it('rejects with the error of the child, a CredenceError with its members', async () => {
    const error: unknown = await sandbox.policy.grant('robot', 'notes', []).catch((refused: unknown) => refused);
    expect(isCredenceError(error)).toBe(true);
    expect(error).toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('"robot"'),
      remedy: expect.stringContaining('snapshot()'),
    });
  });

  it('does not start with functions of this process, nor with options that are wrong', async () => {
    const tools = [sandboxTool({ name: 'read', scope: 'read', description: 'Reads', run: () => 'x' })];
    for (const own of [{ tools }, { mcpServer: () => ({ connect: async () => {}, close: async () => {} }) }]) {
      await expect(startSandbox({ process: 'child', servers: { own } })).rejects.toMatchObject({
        code: 'invalid_configuration',
        message: expect.stringMatching(/"own" is given by functions .*cannot be sent to a child process/u),
        remedy: expect.stringMatching(/url.*module/u),
      });
    }
    await expect(startSandbox({ process: 'child', latencyMs: -1 })).rejects.toThrow(/latencyMs/u);
  });

  it('passes an error of the start on, and the child has ended then', async () => {
    const module = new URL('missing.js', MODULE);
    await expect(startSandbox({ process: 'child', servers: { own: { module } } })).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringMatching(/module of the server "own" cannot be imported.*missing\.js/u),
    });
  });

  it('rejects calls if the child was killed, and closes', async () => {
    const own = await startSandbox({ process: 'child' });
    const waiting = own.idp.requests();
    process.kill(own.pid, 'SIGKILL');
    await waiting.catch(() => undefined);
    await untilEnded(own.pid);
    await expect(own.audit.records()).rejects.toMatchObject({ code: 'closed' });
    await own.close();
  });

  it('closes, twice too, and then rejects calls with `closed`', async () => {
    const { jwksUri } = sandbox.idp;
    expect((await fetch(jwksUri)).status).toBe(200);
    await Promise.all([sandbox.close(), sandbox.close()]);
    await sandbox.close();
    expect(isRunning(sandbox.pid)).toBe(false);
    await expect(fetch(jwksUri)).rejects.toThrow();
    await expect(sandbox.idp.requests()).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('the parent of a sandbox in a child process', () => {
  function parent(mode: string): { process: ChildProcess; pid: Promise<number> } {
    const program = fileURLToPath(new URL('../testing/parent.ts', import.meta.url));
    const started = spawn(process.execPath, ['--import', 'tsx', program, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = once(createInterface({ input: started.stdout }), 'line').then(([line]) => Number(line));
    return { process: started, pid };
  }

  it('forgets to close it, and ends by itself: no child is left', async () => {
    const run = parent('forget');
    const pid = await run.pid;
    expect(pid).toBeGreaterThan(0);
    await expect(once(run.process, 'exit')).resolves.toEqual([0, null]);
    await untilEnded(pid);
  }, 30_000);

  it('is killed while the sandbox runs: no child is left', async () => {
    const run = parent('wait');
    const pid = await run.pid;
    expect(isRunning(pid)).toBe(true);
    run.process.kill('SIGKILL');
    await untilEnded(pid);
  }, 30_000);
});
