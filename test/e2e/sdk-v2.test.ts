import { connectMcp, type ConnectMcpOptions } from '@credence/sdk-adapter/v2';
import { startV1Sse, startV1Streamable, startV2BothRevisions, startV2Only2026 } from '../support/mcp-servers/index.ts';
import { describeConnectMcp, type SdkUnderTest } from './sdk-contract.ts';

function connecting(settings: ConnectMcpOptions): SdkUnderTest['connect'] {
  return async (bot, options) => {
    const client = await connectMcp(bot, 'notes', { ...options, ...settings });
    return {
      // in v2 the options are the second parameter
      callTool: async (params, _schema, call) => client.callTool(params, call),
      close: async () => client.close(),
    };
  };
}

const probed = { connect: connecting({}), firstRequest: 'server/discover' };

describeConnectMcp('SDK v2, default, and a stateful 2025 server', {
  ...probed,
  start: startV1Streamable,
  revision: '2025-11-25',
});

describeConnectMcp('SDK v2, default, and a server of both revisions', {
  ...probed,
  start: startV2BothRevisions,
  revision: '2026-07-28',
});

describeConnectMcp('SDK v2, default, and a 2026 server', {
  ...probed,
  start: startV2Only2026,
  revision: '2026-07-28',
});

describeConnectMcp('SDK v2, legacy, and a stateful 2025 server', {
  connect: connecting({ versionNegotiation: { mode: 'legacy' } }),
  firstRequest: 'initialize',
  start: startV1Streamable,
  revision: '2025-11-25',
});

describeConnectMcp('SDK v2, pinned, and a 2026 server', {
  connect: connecting({ versionNegotiation: { mode: { pin: '2026-07-28' } } }),
  firstRequest: 'server/discover',
  start: startV2Only2026,
  revision: '2026-07-28',
});

describeConnectMcp('SDK v2, default, over SSE', {
  connect: connecting({ transport: 'sse' }),
  firstRequest: 'GET',
  start: startV1Sse,
  revision: '2025-11-25',
});
