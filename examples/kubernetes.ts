/**
 * A bot in a pod of Kubernetes, without a stored secret: its projected service account token is the assertion at the authorization
 * server of an MCP server. The kubelet replaces the token while the bot runs. Run it with `npx tsx examples/kubernetes.ts`. The volume is
 * a temporary folder with the symbolic links of a real one, and the authorization server is that of `fakeIdp`, which trusts the cluster.
 */
import assert from 'node:assert/strict';
import { fromWorkloadToken, noClientAuth, ServicePrincipal } from '@credence/core';
import { kubernetes } from '@credence/platforms';
import { fakeIdp } from '@credence/testing';
import { openIssues } from './support/open-issues.ts';
import { projectedVolume } from './support/projected-volume.ts';

const cluster = fakeIdp({
  principals: { 'reporting-bot': {} },
  servers: { issues: { tools: { list_issues: () => ['Printer', 'Heating'] } } },
});
const { url, issuer } = cluster.options('reporting-bot').servers?.['issues'] ?? assert.fail();
const serviceAccountToken = () =>
  cluster.workloadToken({ principal: 'reporting-bot', server: 'issues', lifetimeSeconds: 3600 });

const volume = await projectedVolume('credence');
const { file } = volume; // in a pod /var/run/secrets/tokens/credence, which is the default
await volume.write(await serviceAccountToken());

const { fetch, clock } = cluster;
const bot = new ServicePrincipal({
  servers: {
    // #region bot
    issues: {
      url,
      issuer, // the `audience` of the serviceAccountToken in the pod's specification
      flow: 'workload-identity',
      credential: noClientAuth(),
      assertion: fromWorkloadToken(kubernetes({ file })),
    },
    // #endregion
  },
  fetch,
  clock,
});

assert.match(await openIssues(bot), /Printer/);
console.log('the bot calls a tool with the token of its service account');

for (let hour = 1; hour <= 3; hour += 1) {
  await volume.write(await serviceAccountToken()); // the kubelet replaces the token when 80 % of its lifetime have passed
  clock.advance(50 * 60_000);
  assert.match(await openIssues(bot), /Heating/);
}
console.log('the token was replaced three times, and the first one has expired: no call failed');

await bot.close();
await volume.remove();
