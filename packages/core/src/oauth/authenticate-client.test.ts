import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Bot, RESOURCE, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientAssertion } from '../credentials/client-assertion.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { ServicePrincipal } from '../principal/service-principal.ts';

let folder: string;
let file: string;
let running: Bot | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'credence-'));
  file = join(folder, 'secret');
});
afterEach(async () => {
  await running?.close();
  rmSync(folder, { recursive: true });
});

describe('a credential whose file becomes unusable', () => {
  it('is used for every request, and causes one warning for each change of the file', async () => {
    writeFileSync(file, 'secret/at the+as');
    const credential = clientSecret({ clientId: 'bot-at-as', secret: { file } });
    // A token without a lifetime is not cached, so each call requests one.
    running = await startBot({ world: { as: { tokenLifetime: 0 } }, server: { credential } });
    const { bot, events, world } = running;
    const warnings = () =>
      events.flatMap((event) => (event.type === 'warning' && event.code === 'credential_file' ? [event.message] : []));
    await bot.token('mcp');
    for (let change = 1; change <= 2; change += 1) {
      writeFileSync(file, '');
      for (let count = 0; count < 5; count += 1) await bot.token('mcp');
      expect(warnings()).toHaveLength(change);
      writeFileSync(file, 'secret/at the+as');
      await bot.token('mcp');
    }
    expect(warnings()[0]).toBe(
      `servers.mcp.credential: clientSecret({ secret }) could not be read from ${JSON.stringify(file)}: the file is empty. The last good value is still used.`,
    );
    expect(events.filter(({ type }) => type === 'refused')).toEqual([]);
    expect(world.as.issued.length).toBeGreaterThanOrEqual(10);
  });

  it('is a warning of each diagnosis', async () => {
    writeFileSync(file, 'secret/at the+as');
    running = await startBot({ server: { credential: clientSecret({ clientId: 'bot-at-as', secret: { file } }) } });
    rmSync(file);
    for (let count = 0; count < 2; count += 1) {
      const { warnings } = await running.bot.diagnose('mcp');
      expect(warnings).toMatchObject([{ leg: 'redeem', message: expect.stringContaining(JSON.stringify(file)) }]);
    }
  });
});

describe('the error of a credential that cannot be obtained names', () => {
  it('the path, the option and the server', async () => {
    running = await startBot({
      server: { credential: clientAssertion({ clientId: 'bot-at-as', assertion: { file } }) },
    });
    const error = await refusalOf(running.bot.token('mcp'));
    expect(error).toMatchObject({ code: 'credential_unavailable', server: 'mcp', contact: 'you' });
    expect(error.message).toBe(
      `servers.mcp.credential: clientAssertion({ assertion }) could not be read from ${JSON.stringify(file)} (ENOENT).`,
    );
  });

  it('the environment variable in place of the option, if it comes from one', async () => {
    running = await startBot();
    const { idp, as } = running.world;
    const bot = ServicePrincipal.fromEnv({
      CREDENCE_IDP_ISSUER: idp.issuer,
      CREDENCE_IDP_CLIENT_ID: 'bot-at-idp',
      CREDENCE_IDP_CLIENT_ASSERTION_FILE: file,
      CREDENCE_SERVERS: 'mcp',
      CREDENCE_SERVER_MCP_URL: 'http://127.0.0.1:9/mcp',
      CREDENCE_SERVER_MCP_RESOURCE: 'http://127.0.0.1:9/mcp',
      CREDENCE_SERVER_MCP_ISSUER: as.issuer,
      CREDENCE_SERVER_MCP_CLIENT_ID: 'bot-at-as',
      CREDENCE_SERVER_MCP_CLIENT_SECRET: 'x',
    });
    const error = await refusalOf(bot.token('mcp'));
    expect(error.message).toMatch(/^CREDENCE_IDP_CLIENT_ASSERTION_FILE: .*ENOENT/u);
    expect(error.message).toContain(JSON.stringify(file));
    await bot.close();
  });

  it('the environment variable, the path and the server at the start', async () => {
    const error = await refusalOf(() =>
      ServicePrincipal.fromEnv({
        CREDENCE_IDP_ISSUER: 'https://idp.example',
        CREDENCE_IDP_CLIENT_ID: 'bot-at-idp',
        CREDENCE_IDP_CLIENT_SECRET: 'x',
        CREDENCE_SERVERS: 'mcp',
        CREDENCE_SERVER_MCP_URL: 'https://mcp.example/mcp',
        CREDENCE_SERVER_MCP_ISSUER: 'https://as.example',
        CREDENCE_SERVER_MCP_CLIENT_ID: 'bot-at-as',
        CREDENCE_SERVER_MCP_PRIVATE_KEY_FILE: file,
      }),
    );
    expect(error).toMatchObject({ code: 'credential_unavailable', server: 'mcp' });
    expect(error.message).toContain('CREDENCE_SERVER_MCP_PRIVATE_KEY_FILE: ');
    expect(error.message).toContain(JSON.stringify(file));
  });

  it.each([
    ['CREDENCE_IDP_PRIVATE_KEY_FILE', 'authenticate'],
    ['CREDENCE_IDP_CLIENT_SECRET_FILE', 'authenticate'],
    ['CREDENCE_SERVER_MCP_CLIENT_SECRET_FILE', 'redeem'],
    ['CREDENCE_SERVER_MCP_PRIVATE_KEY_FILE', 'redeem'],
  ] as const)('the variable %s and the path after the peer has refused the client', async (variable, leg) => {
    running = await startBot();
    const { world } = running;
    const refuse = () => ({ status: 401, body: { error: 'invalid_client' } });
    if (leg === 'redeem') world.as.script.always('redeem', refuse);
    else world.idp.script.always('authenticate', refuse);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(file, String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
    const atIdp = leg === 'authenticate';
    const bot = ServicePrincipal.fromEnv({
      CREDENCE_IDP_ISSUER: world.idp.issuer,
      CREDENCE_IDP_CLIENT_ID: world.idpClient.clientId,
      ...(!atIdp && { CREDENCE_IDP_CLIENT_SECRET: world.idpClient.secret }),
      CREDENCE_SERVERS: 'mcp',
      CREDENCE_SERVER_MCP_URL: RESOURCE,
      CREDENCE_SERVER_MCP_RESOURCE: RESOURCE,
      CREDENCE_SERVER_MCP_ISSUER: world.as.issuer,
      CREDENCE_SERVER_MCP_CLIENT_ID: world.asClient.clientId,
      ...(atIdp && { CREDENCE_SERVER_MCP_CLIENT_SECRET: 'as-secret' }),
      [variable]: file,
    });
    const error = await refusalOf(bot.token('mcp'));
    const peer = atIdp ? 'idp-admin' : 'server-owner';
    const contact = variable.includes('SECRET') ? 'you' : peer;
    expect(error).toMatchObject({ code: 'invalid_client', leg, contact, server: 'mcp' });
    expect(error.remedy).toContain(`Check ${variable} (the file ${JSON.stringify(file)}): `);
    await bot.close();
  });
});
