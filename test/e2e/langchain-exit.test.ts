import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { loadTools } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type LangchainWorld, startLangchainWorld } from '../support/langchain-world.ts';
import { changingTool, startChanging2025, startChanging2026 } from '../support/mcp-servers/index.ts';
import { silence } from '../support/peer.ts';

// A child process can take long on a busy machine.
jest.setTimeout(60_000);

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => world.close());

describe('closed tools', () => {
  it('leave no timer, and a process that has closed its tools exits', async () => {
    const works = await startChanging2025({ verify: world.oauth.as.verify });
    world.onClose(async () => works.close());
    works.tools = [changingTool('one')];
    const down = await world.serve({ initialize: () => ({ http: { status: 503 } }) });
    const hangs = await world.serve({ initialize: () => ({ http: silence() }) });
    const { idp, as, idpClient, asClient } = world.oauth;
    const servers = { works: works.url, down: down.url, hangs: hangs.url };
    for (const url of Object.values(servers)) as.protect(url);
    const configuration = {
      idp: { issuer: idp.issuer, clientId: idpClient.clientId, secret: idpClient.secret },
      as: { issuer: as.issuer, clientId: asClient.clientId, secret: asClient.secret },
      servers,
    };

    const program = join(import.meta.dirname, 'langchain-exit-process.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', program, JSON.stringify(configuration)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 50_000,
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    const [code, signal] = await once(child, 'close');
    expect({ code, signal, stderr: output.stderr }).toEqual({ code: 0, signal: null, stderr: '' });
    const left = JSON.parse(output.stdout) as Record<string, string[]>;
    expect(Object.keys(left)).toHaveLength(8);
    expect(Object.entries(left).filter(([, resources]) => resources.length > 0)).toEqual([]);
  });
});

describe.each([
  ['v1', startChanging2025],
  ['v2', startChanging2025],
  ['v2', startChanging2026],
] as const)('closed tools with SDK %s', (sdk, start) => {
  it('leave no stream open at the server, and report no change any more', async () => {
    const server = await start({ verify: world.oauth.as.verify });
    world.onClose(async () => server.close());
    server.tools = [changingTool('one')];
    let changes = 0;
    const bot = world.bot({ s: server.url });
    const tools = await loadTools(bot, ['s'], { sdk, onChanged: () => (changes += 1) });
    const streams = () => server.count('GET')[200] + server.count('subscriptions/listen')[200];
    while (streams() === 0) await setImmediate();
    server.tools = [changingTool('two')];
    await server.announce();
    await tools.close();
    const requests = server.requests.length;
    await server.announce();
    await expect(tools.reload()).rejects.toMatchObject({ code: 'closed' });
    await expect(tools.tools[0]?.invoke({})).rejects.toMatchObject({ cause: { code: 'closed' } });
    expect(tools.failuresAsText()).toBe('');
    expect(server.requests).toHaveLength(requests);
    expect(changes).toBe(0);
    while (server.open() > 0) await setImmediate();
  });
});
