import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ServicePrincipal } from '@credence/core';
import { connectMcp } from '@credence/sdk-adapter';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { SandboxOptions } from './options.ts';
import type { Sandbox } from './sandbox.ts';
import { sandboxTool, type ToolCaller } from './servers/sandbox-tool.ts';
import { startSandbox } from './start-sandbox.ts';
import type { SandboxServer } from './world/server.ts';

const opened: { close(): Promise<void> }[] = [];
function closing<T extends { close(): Promise<void> }>(resource: T): T {
  opened.push(resource);
  return resource;
}
afterEach(async () => {
  for (const resource of opened.splice(0).toReversed()) await resource.close();
});

const tools = [sandboxTool({ name: 'read', scope: 'own:read', description: 'Reads', run: () => 'x' })];
const botOf = (principal: { env: Readonly<Record<string, string>> }) =>
  closing(ServicePrincipal.fromEnv(principal.env));

describe('principals of the user', () => {
  it('get tokens with a new key, with keys of their own of each kind, and with a secret', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const ed = generateKeyPairSync('ed25519').privateKey;
    const sandbox = closing(
      await startSandbox({
        servers: { own: { tools } },
        principals: {
          fresh: {},
          rsa: { privateKey: rsa.export({ type: 'pkcs8', format: 'pem' }).toString() },
          pkcs1: { privateKey: rsa.export({ type: 'pkcs1', format: 'pem' }).toString() },
          sec1: { privateKey: ec.export({ type: 'sec1', format: 'pem' }).toString(), keyId: 'my-key' },
          jwk: { privateKey: { ...ec.export({ format: 'jwk' }), kid: 'of-the-jwk' } },
          ed25519: { privateKey: ed.export({ type: 'pkcs8', format: 'pem' }).toString() },
          secret: { secret: 'a secret with +, &, % and :' },
          chosen: { credential: 'secret' },
        },
        groups: { all: ['fresh', 'rsa', 'pkcs1', 'sec1', 'jwk', 'ed25519', 'secret', 'chosen'] },
        grants: { all: { own: ['own:read'] } },
      }),
    );
    for (const principal of Object.values(sandbox.principals)) {
      await expect(botOf(principal).token('own')).resolves.toMatchObject({ scopes: ['own:read'] });
    }
    const { sec1, jwk, secret, chosen } = sandbox.principals;
    expect([sec1.keyId, jwk.keyId, jwk.clientId]).toEqual(['my-key', 'of-the-jwk', 'jwk']);
    expect(secret.secretClient).toEqual({ clientId: 'secret', clientSecret: 'a secret with +, &, % and :' });
    expect(chosen.env).toMatchObject({ CREDENCE_IDP_CLIENT_ID: 'chosen' });
    expect(chosen.env).not.toHaveProperty('CREDENCE_IDP_PRIVATE_KEY');
  });

  it('can have names with odd characters, of object properties, and of the second client of another', async () => {
    const names = [
      'constructor',
      'hasOwnProperty',
      'bot@acme.example/ops',
      'it\'s 100% {odd}; "ok"',
      'x',
      'x-secret',
      '7',
    ];
    const sandbox = closing(
      await startSandbox({
        servers: { constructor: { tools }, 'a.b_c-1': { tools } },
        principals: Object.fromEntries(names.map((name) => [name, {}])),
        groups: { toString: names },
        grants: { toString: { 'a.b_c-1': ['own:read'], constructor: ['own:read'] } },
      }),
    );
    for (const name of names) {
      const principal = sandbox.principals[name];
      if (principal === undefined) throw new Error(`${name} is missing`);
      const bot = botOf(principal);
      await expect(bot.token('a.b_c-1')).resolves.toMatchObject({ scopes: ['own:read'] });
      await expect(bot.token('constructor')).resolves.toMatchObject({ scopes: ['own:read'] });
      expect(sandbox.audit.records.at(-1)).toMatchObject({ leg: 'redeem', principal: name, server: 'constructor' });
    }
  });

  it('may be disabled at the start, and hold scopes only on request, which become stepUp', async () => {
    const sandbox = closing(
      await startSandbox({
        servers: { own: { tools, scopes: ['own:read', 'own:more'] } },
        principals: { off: { disabled: true }, bot: {} },
        groups: { crew: ['bot', 'off'] },
        grants: { bot: { own: ['own:read'] }, crew: { own: { onRequest: ['own:more', 'own:read'] } } },
      }),
    );
    expect(sandbox.principals.bot).toMatchObject({ groups: ['crew'], servers: { own: { stepUp: ['own:more'] } } });
    await expect(botOf(sandbox.principals.off).token('own')).rejects.toMatchObject({ leg: 'authenticate' });
    sandbox.policy.enablePrincipal('off');
    sandbox.policy.grant('off', 'own', ['own:read']);
    await expect(botOf(sandbox.principals.off).token('own')).resolves.toMatchObject({ scopes: ['own:read'] });
  });
});

describe('a tool', () => {
  it('is told the principal, and the user for whom it acts', async () => {
    const callers: ToolCaller[] = [];
    const who = sandboxTool({
      name: 'who',
      scope: 'own:read',
      description: 'Who',
      run: (_args, caller) => callers.push(caller),
    });
    const sandbox = closing(
      await startSandbox({
        servers: { own: { tools: [who] } },
        principals: { bot: {} },
        users: { ada: { grants: { own: ['own:read'] } } },
      }),
    );
    const bot = botOf(sandbox.principals.bot);
    const user = bot.onBehalfOf(() => sandbox.userToken('ada', { principal: 'bot' }), { identity: 'ada' });
    for (const caller of [bot, user]) {
      const client = closing(await connectMcp(caller, 'own'));
      await client.callTool({ name: 'who', arguments: {} });
    }
    expect(callers).toEqual([
      { principal: 'bot', subject: 'bot', scopes: ['own:read'] },
      { principal: 'bot', subject: 'ada', scopes: ['own:read'], actor: expect.objectContaining({ sub: 'bot' }) },
    ]);
  });
});

describe('a large world', () => {
  it('of 50 servers, 10 authorization servers and 200 principals starts in seconds', async () => {
    const count = (length: number, name: string) => Array.from({ length }, (_, at) => `${name}${at}`);
    const servers = Object.fromEntries(
      count(50, 'server').map((name, at): [string, SandboxServer] => [
        name,
        { tools, authorizationServer: `as${at % 10}` },
      ]),
    );
    const before = performance.now();
    const sandbox = closing(
      await startSandbox({
        servers,
        principals: Object.fromEntries(count(200, 'bot').map((name) => [name, {}])),
        groups: { all: count(200, 'bot') },
        grants: { all: Object.fromEntries(Object.keys(servers).map((name) => [name, ['own:read']])) },
      }),
    );
    // about 0.8 s on a machine with two cores; other work on the machine may take several times as long
    expect(performance.now() - before).toBeLessThan(15_000);
    const last = sandbox.principals['bot199'];
    if (last === undefined) throw new Error('bot199 is missing');
    await expect(botOf(last).token('server49')).resolves.toMatchObject({ scopes: ['own:read'] });
  });
});

describe('starting a sandbox', () => {
  it('leaves nothing open if a server cannot be created, and the error names the server', async () => {
    const program = fileURLToPath(new URL('testing/failing-start.ts', import.meta.url));
    // the program never calls process.exit, so an open port keeps it running until the timeout
    const run = promisify(execFile)(process.execPath, ['--import', 'tsx', program], { timeout: 30_000 });
    const { stdout } = await run;
    expect(JSON.parse(stdout)).toEqual([
      'The function that creates the MCP server "late" threw: no database',
      'The function that creates the MCP server "late" did not return an MCP server.',
      expect.stringMatching(/^The module of the server "late" cannot be imported: .*missing\.js/u),
      'The default export of the module of the server "late" is neither a function nor a handler.',
    ]);
  }, 40_000);

  it('twice gives two sandboxes that share nothing', async () => {
    const options = {
      servers: { own: { tools } },
      principals: { bot: {} },
      grants: { bot: { own: ['own:read'] } },
    } satisfies SandboxOptions<'this', undefined, 'own', 'bot'>;
    const [first, second] = await Promise.all([startSandbox(options), startSandbox(options)]);
    closing(first);
    closing(second);
    expect(first.servers.own.url).not.toBe(second.servers.own.url);
    const token = await botOf(first.principals.bot).token('own');
    const headers = { authorization: `Bearer ${token.value}` };
    await expect(fetch(first.servers.own.url, { method: 'DELETE', headers })).resolves.toMatchObject({ status: 400 });
    await expect(fetch(second.servers.own.url, { method: 'DELETE', headers })).resolves.toMatchObject({ status: 401 });
    second.policy.disablePrincipal('bot');
    await second.close();
    await expect(botOf(first.principals.bot).token('own')).resolves.toMatchObject({ scopes: ['own:read'] });
  });

  it('closes with `await using`', async () => {
    let jwks: string;
    {
      await using sandbox = await startSandbox();
      jwks = sandbox.idp.jwksUri;
      expect((await fetch(jwks)).status).toBe(200);
    }
    await expect(fetch(jwks)).rejects.toThrow();
  });
});

describe('the types', () => {
  it('know the names of the options, and refuse others', () => {
    // not called: only the compiler reads it
    const check = async () => {
      const known: Sandbox = await startSandbox();
      void known.authorizationServers.research;

      const own = await startSandbox({
        servers: { weather: { tools }, rota: { tools, authorizationServer: 'partner' } },
        principals: { bot: {} },
        groups: { crew: ['bot'] },
        grants: { bot: { weather: ['own:read'] }, crew: { rota: ['own:read'] } },
      });
      const any: Sandbox<string, string, string> = own;
      void [any, own.servers.weather, own.principals.bot.servers.rota, own.authorizationServers.partner];
      // @ts-expect-error -- there is no such server
      void own.servers.issues;
      // @ts-expect-error -- there is no such principal
      void own.principals['reporting-bot'];

      const short = await startSandbox({ mcpServer: 'http://127.0.0.1:9/mcp' });
      void [short.servers.mcp, short.authorizationServers.main, short.principals['triage-bot']];

      // @ts-expect-error -- a grant to nobody
      void startSandbox({ servers: { own: { tools } }, principals: { bot: {} }, grants: { robot: {} } });
      // @ts-expect-error -- a grant at no server
      void startSandbox({ servers: { own: { tools } }, principals: { bot: {} }, grants: { bot: { yours: [] } } });
      // @ts-expect-error -- a misspelt option of a server
      void startSandbox({ servers: { own: { tool: tools } } });
      // @ts-expect-error -- a member that is no principal
      void startSandbox({ principals: { bot: {} }, groups: { crew: ['robot'] } });
    };
    expect(check).toBeInstanceOf(Function);
  });
});
