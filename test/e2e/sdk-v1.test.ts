import { connectMcp } from '@credence/sdk-adapter';
import { startV1Sse, startV1Streamable, startV2BothRevisions } from '../support/mcp-servers/index.ts';
import { describeConnectMcp } from './sdk-contract.ts';

const REVISION = '2025-11-25';

describeConnectMcp('SDK v1 over Streamable HTTP', {
  start: startV1Streamable,
  connect: async (bot, options) => connectMcp(bot, 'notes', options),
  revision: REVISION,
  firstRequest: 'initialize',
});

describeConnectMcp('SDK v1 over SSE', {
  start: startV1Sse,
  connect: async (bot, options) => connectMcp(bot, 'notes', { ...options, transport: 'sse' }),
  revision: REVISION,
  firstRequest: 'GET',
});

describeConnectMcp('SDK v1 and a server of both revisions', {
  start: startV2BothRevisions,
  connect: async (bot, options) => connectMcp(bot, 'notes', options),
  revision: REVISION,
  firstRequest: 'initialize',
});
