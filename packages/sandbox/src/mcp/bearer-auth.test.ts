import { createServer } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import express from 'express';
import { type AuthenticatedRequest, bearerAuth } from './bearer-auth.ts';

const app = express();
app.use(
  bearerAuth({
    challengeScope: 'things:read',
    resourceMetadataUrl: 'http://127.0.0.1/meta',
    verifier: {
      async verifyAccessToken(token) {
        if (token === 'unreachable') throw new Error('the authorization server is away');
        if (token !== 'good') throw new InvalidTokenError('The token has expired');
        return { token, clientId: 'client', scopes: [] };
      },
    },
  }),
  (request: AuthenticatedRequest, response: express.Response) => void response.json(request.auth?.clientId),
);
const server = createServer(app);
let url: string;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  url = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const get = async (authorization?: string) => {
  const response = await fetch(url, { headers: authorization === undefined ? {} : { authorization } });
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    body: await response.json(),
  };
};

describe('bearer authentication', () => {
  it('lets a valid token through, however Bearer is written', async () => {
    await expect(get('Bearer good')).resolves.toEqual({ status: 200, challenge: null, body: 'client' });
    await expect(get('bearer  good')).resolves.toMatchObject({ status: 200 });
  });

  it.each([undefined, 'Basic Z29vZA==', 'Bearer', 'Bearer good again', 'Bearer "good"'])(
    'challenges %j without an error code',
    async (header) => {
      await expect(get(header)).resolves.toMatchObject({
        status: 401,
        challenge: 'Bearer scope="things:read", resource_metadata="http://127.0.0.1/meta"',
      });
    },
  );

  it('says why a token is refused', async () => {
    await expect(get('Bearer old')).resolves.toMatchObject({
      status: 401,
      challenge:
        'Bearer error="invalid_token", error_description="The token has expired", scope="things:read", resource_metadata="http://127.0.0.1/meta"',
      body: { error: 'invalid_token' },
    });
  });

  it('does not refuse a token that it could not ask about', async () => {
    await expect(get('Bearer unreachable')).resolves.toEqual({
      status: 503,
      challenge: null,
      body: { error: 'temporarily_unavailable' },
    });
  });
});
