import { ServicePrincipal } from '@credence/core';
import { answers, type FakeIdp, fakeIdp, type FakeRequest } from '@credence/testing';
import { type JestPreset, jestPreset } from '@credence/testing/jest-preset';

const idp: FakeIdp = fakeIdp({
  principals: { 'reporting-bot': { grants: { issues: ['issues:read'] } } },
  servers: {
    issues: {
      tools: {
        list_issues: {
          scopes: ['issues:read'],
          handler: ({ status }, { principal }) => `${String(status)} ${principal}`,
        },
      },
    },
  },
  refuse: [{ server: 'issues', leg: 'call', answer: 'invalid_token' }],
  revoke: { issues: { afterCalls: 2 } },
  expire: { accessTokenSeconds: 60 },
});
idp.next('exchange', { server: 'issues' }).respond(answers.okta.notGranted());
idp.next('redeem').delay(10).refuse('invalid_grant', { description: 'used before' });
idp.next('call').respond(async (_request, honest) => honest());

const bot = new ServicePrincipal(idp.options('reporting-bot', { issues: { scopes: ['issues:read'] } }));
const requests: readonly FakeRequest[] = idp.requestsOf('exchange', { principal: 'reporting-bot' });
export const preset: JestPreset = { ...jestPreset, setupFiles: [] };
export const counted: number = requests.length;
export const closed = bot.close();
