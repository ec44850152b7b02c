import { clientSecret } from '@credence/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { refusalOf } from '../support/evidence.ts';
import { otherIssuer, startScriptedAuthorizationServer } from '../support/oauth-world.ts';
import { startPeer } from '../support/peer.ts';
import {
  type AttackWorld,
  call,
  expectPlainError,
  jsonRpcResult,
  resourceMetadata,
  startAttackWorld,
} from './support/attack-world.ts';

let world: AttackWorld;

beforeEach(async () => {
  world = await startAttackWorld();
});
afterEach(async () => world.close());

const METADATA = 'GET /.well-known/oauth-protected-resource/mcp';

/** Makes the trap serve the metadata of an authorization server. */
function trapAsAuthorizationServer(): void {
  const { trap } = world;
  trap.route('/.well-known/oauth-authorization-server', {
    body: { issuer: trap.origin, token_endpoint: `${trap.origin}/token` },
  });
}

describe('metadata with another issuer', () => {
  it('of the authorization server is refused before a request with credentials', async () => {
    world.as.script.always('metadata', otherIssuer('https://as.example'));
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'issuer_mismatch', leg: 'discover', contact: 'you' }, world);
    expect(error.remedy).toContain('servers.mcp.issuer');
    expect(world.as.script.count('redeem')).toBe(0);
    expect(world.idp.issued).toEqual([]);
  });

  it('of the IdP is refused before a request with credentials', async () => {
    world.idp.script.always('metadata', otherIssuer('https://idp.example'));
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'issuer_mismatch', leg: 'discover', contact: 'you' }, world);
    expect(error.remedy).toContain('idp.issuer');
    expect(world.idp.script.count('authenticate')).toBe(0);
  });

  it.each(['HTTPS://AS.EXAMPLE', 'http://127.0.0.1:80/..', ' ', ''])('%p is refused', async (issuer) => {
    world.as.script.always('metadata', otherIssuer(issuer));
    expect(await refusalOf(call(world.bot()))).toMatchObject({ code: 'issuer_mismatch' });
    expect(world.as.script.count('redeem')).toBe(0);
  });
});

describe('an MCP server that names an authorization server of an attacker', () => {
  beforeEach(trapAsAuthorizationServer);

  it('is refused if issuer is configured', async () => {
    world.mcp.route(METADATA, { body: resourceMetadata(world.resource, [world.trap.origin]) });
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'issuer_mismatch', leg: 'discover', contact: 'you' }, world);
    expect(world.trap.requests).toEqual([]);
  });

  it("is refused if it also names the right one and issuer is 'discover'", async () => {
    world.mcp.route(METADATA, { body: resourceMetadata(world.resource, [world.as.issuer, world.trap.origin]) });
    const error = await refusalOf(call(world.bot({ server: { issuer: 'discover' } })));
    expectPlainError(error, { code: 'ambiguous_issuer', leg: 'discover', contact: 'you' }, world);
    expect(error.remedy).toContain('servers.mcp.issuer');
    expect(world.trap.requests).toEqual([]);
  });

  it("is refused if issuer is 'discover' and another one was discovered before", async () => {
    let hours = 0;
    const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() + hours * 3_600_000 };
    const bot = world.bot({ server: { issuer: 'discover' }, principal: { clock } });
    expect((await call(bot)).status).toBe(200);

    world.mcp.route(METADATA, { body: resourceMetadata(world.resource, [world.trap.origin]) });
    hours = 30;
    const error = await refusalOf(call(bot));
    expectPlainError(error, { code: 'issuer_changed', leg: 'discover', contact: 'server-owner' }, world);
    expect(error.message).toContain(world.as.issuer);
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: false, error: { code: 'issuer_changed' } });
    expect(world.trap.requests).toEqual([]);
  });

  it('in a document at another origin is ignored, and that origin gets no request', async () => {
    world.mcp.route(METADATA, { status: 404 });
    const pointer = `${world.trap.origin}/metadata`;
    world.mcp.route('POST /mcp', {
      status: 401,
      headers: { 'www-authenticate': `Bearer resource_metadata="${pointer}"` },
    });
    world.trap.route('/metadata', { body: resourceMetadata(world.resource, [world.trap.origin]) });
    const error = await refusalOf(call(world.bot({ server: { issuer: 'discover' } })));
    expectPlainError(error, { code: 'metadata_not_found', leg: 'discover', contact: 'server-owner' }, world);
    expect(world.trap.requests).toEqual([]);
  });
});

describe('a malicious MCP server of a bot with two servers', () => {
  it('gets only its own credential and an ID-JAG for itself, which the other authorization server refuses', async () => {
    const { idp, as, mcp, resource, idpClient, asClient } = world;
    const ownClient = { clientId: 'bot-at-bad', secret: 'only/for the+bad one' };
    const bad = await startPeer({});
    const badAs = await startScriptedAuthorizationServer({
      clients: [ownClient],
      trusts: [idp],
      scopes: ['tools:read', 'tools:write'],
    });
    try {
      const badResource = `${bad.origin}/mcp`;
      badAs.protect(badResource);
      idp.trust({ issuer: badAs.issuer, clientIds: { [idpClient.clientId]: ownClient.clientId } });
      bad.route(METADATA, { body: resourceMetadata(badResource, [badAs.issuer]) });
      bad.route('POST /mcp', jsonRpcResult());
      const good = {
        url: resource,
        issuer: as.issuer,
        credential: clientSecret({ clientId: asClient.clientId, secret: asClient.secret ?? '' }),
      };
      const bot = world.bot({
        principal: {
          servers: { mcp: good, bad: { url: badResource, issuer: badAs.issuer, credential: clientSecret(ownClient) } },
        },
      });
      await Promise.all([call(bot), call(bot, 'bad')]);

      const [atBad] = badAs.script.received('redeem');
      const assertion = atBad?.form['assertion'] ?? '';
      expect(atBad?.basic).toEqual({ id: ownClient.clientId, secret: ownClient.secret });
      expect(decodeJwt(assertion)).toMatchObject({
        aud: badAs.issuer,
        client_id: ownClient.clientId,
        resource: badResource,
      });
      const sentToBad = JSON.stringify([...bad.requests, ...badAs.script.received('redeem')]);
      for (const secretOfGood of [
        asClient.secret ?? '',
        ...as.issued,
        ...idp.issued.filter((jwt) => decodeJwt(jwt).aud === as.issuer),
      ]) {
        expect(sentToBad).not.toContain(secretOfGood);
      }
      expect(mcp.requests.map(({ headers }) => headers.authorization)).not.toContain(`Bearer ${badAs.issued[0]}`);

      // The malicious server presents the ID-JAG that it got at the other authorization server.
      const answer = await fetch(as.tokenEndpoint, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from('bot-at-bad:only').toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }),
      });
      expect(answer.status).toBe(401);
    } finally {
      await Promise.all([bad.close(), badAs.close()]);
    }
  });

  it('gets no access token of the other authorization server by naming its token endpoint', async () => {
    const { as, mcp, idp, idpClient, resource } = world;
    const bad = await startPeer({});
    try {
      const badResource = `${bad.origin}/mcp`;
      idp.trust({ issuer: bad.origin, clientIds: { [idpClient.clientId]: 'bot-at-bad' } });
      bad.route(METADATA, { body: resourceMetadata(badResource, [bad.origin]) });
      bad.route('/.well-known/oauth-authorization-server', {
        body: { issuer: bad.origin, token_endpoint: as.tokenEndpoint },
      });
      const bot = world.bot({
        principal: {
          servers: {
            bad: {
              url: badResource,
              issuer: bad.origin,
              credential: clientSecret({ clientId: 'bot-at-bad', secret: 'bad-secret' }),
            },
          },
        },
      });
      const error = await refusalOf(call(bot, 'bad'));
      expectPlainError(error, { code: 'invalid_client', leg: 'redeem', contact: 'you' }, world);
      expect(as.issued).toEqual([]);
      expect(bad.received('POST /mcp')).toEqual([]);
      expect(mcp.requests).toEqual([]);
      expect(resource).not.toBe(badResource);
    } finally {
      await bad.close();
    }
  });
});
