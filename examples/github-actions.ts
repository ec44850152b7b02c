/**
 * A bot in a job of GitHub Actions, without a stored secret: the OIDC token of the job is the assertion at the authorization server of an
 * MCP server. Run it with `npx tsx examples/github-actions.ts`. A server on loopback answers as GitHub does; the authorization server is
 * that of `fakeIdp`, which trusts it.
 *
 * The job needs this in its workflow:
 *
 *     permissions:
 *       id-token: write
 */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fromWorkloadToken, noClientAuth, ServicePrincipal } from '@credence/core';
import { githubActions } from '@credence/platforms';
import { fakeIdp } from '@credence/testing';
import { listen } from './support/listen.ts';
import { openIssues } from './support/open-issues.ts';

const world = fakeIdp({
  principals: { 'reporting-bot': {} },
  servers: { issues: { tools: { list_issues: () => ['Printer'] } } },
});
const { url, issuer } = world.options('reporting-bot').servers?.['issues'] ?? assert.fail();

/** GitHub's endpoint for the tokens of a job. */
const github = await listen();
const audiences: (string | null)[] = [];
const answer = async (request: IncomingMessage, response: ServerResponse) => {
  const query = new URL(request.url ?? '', github.origin).searchParams;
  if (request.headers.authorization !== 'Bearer the token of the job') return void response.writeHead(401).end();
  audiences.push(query.get('audience'));
  const value = await world.workloadToken({ principal: 'reporting-bot', server: 'issues', lifetimeSeconds: 300 });
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ count: 1, value }));
};
github.serve((request, response) => void answer(request, response));
const env = {
  GITHUB_ACTIONS: 'true',
  ACTIONS_ID_TOKEN_REQUEST_URL: `${github.origin}/idtoken?api-version=2.0`,
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'the token of the job',
}; // in a job, the default: process.env

const { fetch } = world;
const bot = new ServicePrincipal({
  servers: {
    // #region bot
    issues: {
      url,
      issuer, // the audience of the token that is requested from GitHub
      flow: 'workload-identity',
      credential: noClientAuth(),
      assertion: fromWorkloadToken(githubActions({ env })),
    },
    // #endregion
  },
  fetch,
});
assert.match(await openIssues(bot), /Printer/);
assert.deepEqual(audiences, [issuer]);
console.log('the bot calls a tool with the token of its job');
await bot.close();

// A job without the permission is told what to add, also if another platform were there.
const withoutPermission = githubActions({ env: { GITHUB_ACTIONS: 'true' } });
await assert.rejects(withoutPermission.detect({ signal: AbortSignal.timeout(1_000) }), (error: Error) => {
  console.log(error.message);
  return 'remedy' in error && /id-token: write/.test(String(error.remedy));
});
await github.close();
